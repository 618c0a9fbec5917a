"""The common operational picture in a browser: REST, WebSockets and the page itself, on loopback only."""
