"""The wire contract of docs/api.md: request fields -> items, answers -> response bytes. No transport, no model."""
