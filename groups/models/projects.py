"""Who may use Replsite: projects, roles in them, tokens. Users are Django's own."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from groups import callers


def new_project_id() -> str:
    """Return a new project id: 32 hex digits."""
    return uuid.uuid4().hex


class Project(models.Model):
    """Owns groups and volumes."""

    id = models.CharField(
        primary_key=True,
        max_length=32,
        default=new_project_id,
        validators=[RegexValidator(r"^[0-9a-f]{32}$", "A project id is 32 hex digits, 0-9 and a-f.")],
    )
    name = models.CharField(max_length=64, unique=True)
    description = models.CharField(max_length=255, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when it is there for what is remembered of it alone."
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class RoleAssignment(models.Model):
    """What a user may do in a project; several rows are several roles."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_assignments")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="role_assignments")
    role = models.CharField(
        max_length=64,
        validators=[
            RegexValidator(callers.ROLE_NAME, "A role's name has letters, digits, dots, dashes and underscores.")
        ],
        help_text=f"{', '.join(callers.ROLES)}, or a role that a setting asks for, such as that of failing over.",
    )

    class Meta:
        ordering = ("user", "project")
        verbose_name = "role"
        constraints = (
            models.UniqueConstraint(fields=("user", "project", "role"), name="each_role_once_a_user_and_project"),
            models.CheckConstraint(name="role_has_a_name", condition=~models.Q(role="")),
        )

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class Token(models.Model):
    """A log-in that was given out; only its hash is kept."""

    digest = models.CharField(primary_key=True, max_length=64, help_text="SHA-256 of the token.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    audit_id = models.CharField(max_length=32)
    methods = models.CharField(max_length=64, default="password")
    password_mark = models.CharField(max_length=64, help_text="Differs once the user's password was changed.")
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("-issued_at",)

    def __str__(self) -> str:
        return f"token {self.audit_id}"


class LoginAttempt(models.Model):
    """Failed log-ins of one name from one address since the last good one; slows down guessing."""

    key = models.CharField(primary_key=True, max_length=64, help_text="SHA-256 of name and address.")
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-last_at",)

    def __str__(self) -> str:
        return f"{self.failures} failed log-ins"
