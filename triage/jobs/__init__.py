"""Work that happens after the answer: triage of stored messages, replies on their way out, events, clocks."""
