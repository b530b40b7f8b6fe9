"""A phone that was written only from `core/docs/protocol.md`, and a person who uses the service's pages."""
