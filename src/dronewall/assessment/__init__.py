"""Assessment: what a person must look at now. Threats to assets come with the zones and assets they need."""
