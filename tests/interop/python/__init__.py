"""A phone written from `core/docs/protocol.md` alone, with stock libraries, and somebody at the service's pages."""
