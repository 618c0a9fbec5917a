/** The link to the wall: two sockets that live and die together, reconnecting with growing pauses. */

const FROZEN_AFTER_MS = 2500;
const RENEW_AFTER_MS = 8000;
/** While the wall compiles it may be deaf for seconds, and there is no picture yet to be taken for now. */
const WARM_UP_FACTOR = 4;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10000;

/** @typedef {{picture: (message: ArrayBuffer) => boolean, event: (event: any) => void, state: () => void}} Ears */

export class Link {
  /** @param {Ears} ears `picture` answers false when it needs a full frame, which a new connection brings */
  constructor(ears) {
    this.ears = ears;
    /** @type {"connecting" | "open" | "lost"} */
    this.state = "connecting";
    this.heardMs = { picture: performance.now(), events: performance.now() };
    this.warmingUp = false;
    /** Whether the wall publishes, so that pictures that stay away are lost on the way. */
    this.publishing = false;
    this.openedMs = 0;
    this.reconnects = 0;
    this.pauseMs = FIRST_PAUSE_MS;
    this.retryMs = 0;
    /** @type {WebSocket[]} */
    this.sockets = [];
  }

  start() {
    this.#open();
    setInterval(() => this.#watch(), 250);
  }

  /** How long the more silent socket has brought nothing, of those that ought to: the wall's word comes each second. */
  silenceMs() {
    const { picture, events } = this.heardMs;
    return performance.now() - (this.publishing ? Math.min(picture, events) : events);
  }

  /** Whether what is shown must no longer pass for now. */
  frozen() {
    return this.silenceMs() > FROZEN_AFTER_MS * this.#patience();
  }

  #patience() {
    return this.warmingUp ? WARM_UP_FACTOR : 1;
  }

  /** Drop the connection; tests pull the plug with it, the page renews a dead link. */
  drop() {
    for (const socket of this.sockets) socket.close();
    this.#lost(this.sockets);
  }

  #open() {
    this.retryMs = 0;
    const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1/`;
    const sockets = ["picture", "events"].map((name) => new WebSocket(base + name));
    this.sockets = sockets;
    this.openedMs = performance.now();
    const [picture, events] = sockets;
    picture.binaryType = "arraybuffer";
    picture.onmessage = (message) => {
      this.#heard("picture");
      if (!this.ears.picture(message.data)) this.drop();
    };
    events.onmessage = (message) => {
      this.#heard("events");
      this.ears.event(JSON.parse(message.data));
    };
    for (const socket of sockets) socket.onclose = () => this.#lost(sockets);
  }

  /** @param {"picture" | "events"} socket */
  #heard(socket) {
    this.heardMs[socket] = performance.now();
    this.pauseMs = FIRST_PAUSE_MS;
    this.#become("open");
  }

  /** @param {WebSocket[]} sockets those that closed; an older pair is of no interest */
  #lost(sockets) {
    if (sockets !== this.sockets || this.retryMs) return;
    for (const socket of sockets) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#become("lost");
    this.retryMs = performance.now() + this.pauseMs * (0.8 + 0.4 * Math.random());
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #watch() {
    const now = performance.now();
    if (this.retryMs && now >= this.retryMs) {
      this.reconnects++;
      this.#open();
    } else if (!this.retryMs && Math.min(this.silenceMs(), now - this.openedMs) > RENEW_AFTER_MS * this.#patience()) {
      this.drop();
    }
    this.ears.state();
  }

  /** @param {"connecting" | "open" | "lost"} state */
  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.ears.state();
  }
}
