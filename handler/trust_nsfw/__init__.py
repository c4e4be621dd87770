"""TRUST NSFW: five-class image moderation, from encoded bytes to a decision."""

__version__ = "1.0.0"
