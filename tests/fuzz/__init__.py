"""Asks the site whatever its OpenAPI document allows and much that it does not, and holds each answer against it."""
