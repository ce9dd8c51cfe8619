"""The Django app."""

from django.apps import AppConfig


class GroupsConfig(AppConfig):
    """Replication groups and what is done with them."""

    name = "groups"
    verbose_name = "Replication"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the start-up checks."""
        from groups import checks  # noqa: F401 - checks register themselves once models are loaded
