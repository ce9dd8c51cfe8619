"""Who may use Replsite: projects, roles, users, tokens."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Permission
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from groups import clock, models
from groups.admin import acting, pages, shown
from groups.admin.bases import ManagedMixin, PageAdmin
from groups.admin.verbs import Fact, Verb, VerbsMixin
from groups.services import tokens

RULE = "identity:manage"

# Ours are the only groups of the console: auth's would be taken for them.
admin.site.unregister(apps.get_model("auth", "Group"))
admin.site.unregister(get_user_model())


class RoleInline(TabularInline):
    """The roles of a user, or in a project."""

    model = models.RoleAssignment
    extra = 0


@admin.register(models.Project)
class ProjectAdmin(ManagedMixin, ModelAdmin):
    """Projects."""

    manage_rule = RULE
    actions = None
    list_display = ("name", "id", "enabled", "users", "description")
    list_filter = ("enabled",)
    search_fields = ("name", "id", "description")
    inlines = (RoleInline,)

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[models.Project]:
        """Count the users too."""
        return super().get_queryset(request).annotate(user_count=db.Count("role_assignments"))

    def get_readonly_fields(self, request: HttpRequest, obj: models.Project | None = None) -> tuple[str, ...]:
        """Keep the id: clients know the project by it."""
        return ("id", "created_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: db.Model | None = None) -> bool:
        """Keep a project that owns something; such a one is disabled instead."""
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or not any(
            model.objects.filter(project_id=obj.pk).exists()
            for model in (models.Group, models.Volume, models.Operation)
        )

    @display(description="Users", ordering="user_count")
    def users(self, row: Any) -> int:
        """Return how many users have a role in it."""
        return row.user_count


@admin.register(models.RoleAssignment)
class RoleAdmin(ManagedMixin, ModelAdmin):
    """Roles."""

    manage_rule = RULE
    actions = None
    list_display = ("user", "role", "project")
    list_filter = ("role", "project")
    search_fields = ("user__username", "project__name")
    list_select_related = ("user", "project")


@admin.register(get_user_model())
class UserAdmin(ManagedMixin, DjangoUserAdmin, ModelAdmin):
    """Users."""

    manage_rule = RULE
    actions = None
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "is_active", "is_staff", "is_superuser", "roles", "last_login_shown")
    list_filter = ("is_active", "is_staff", "is_superuser")
    filter_horizontal = ("user_permissions",)
    inlines = (RoleInline,)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Console",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "user_permissions"),
                "description": "Staff may log in to the console and see what the permissions name; what they may do"
                " in a project is their role in it. Superusers may do everything.",
            },
        ),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> db.QuerySet[Any]:
        """Read the roles with the users."""
        return super().get_queryset(request).prefetch_related("role_assignments__project")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only permissions that mean something here: who may see what."""
        if db_field.name == "user_permissions":
            kwargs["queryset"] = Permission.objects.filter(
                db.Q(content_type__app_label="groups", codename__startswith="view_")
                | db.Q(codename__in=("view_user", "view_taskresult"))
            ).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description="Roles")
    def roles(self, row: Any) -> str | SafeString:
        """Return the user's roles."""
        return ", ".join(f"{each.role} of {each.project}" for each in row.role_assignments.all()) or shown.NONE

    @display(description="Last login", ordering="last_login")
    def last_login_shown(self, row: Any) -> str | SafeString:
        """Return when the user was last here."""
        return shown.moment(row.last_login, absent="never")


class Revoke(Verb[models.Token]):
    """Take a token back."""

    slug, title, icon, is_dangerous, rule = "revoke", "Revoke", "key_off", True, RULE

    def effect(self) -> str:
        """Return what it will do."""
        return "Whoever uses the token is refused from now on, and has to log in again."

    def facts(self) -> list[Fact]:
        """Return whose token it is."""
        return token_facts(self.row)

    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it."""
        tokens.take_back(self.caller, audit_id=self.row.audit_id)
        return f"The token {self.row.audit_id} of {self.row.user} was revoked.", shown.listing(models.Token)


@admin.register(models.Token)
class TokenAdmin(VerbsMixin, PageAdmin):
    """Tokens: a list, and their revocation."""

    verbs = (Revoke,)
    list_display = ("audit_id", "user", "project_shown", "methods", "issued_shown", "expires_shown")
    list_filter = ("methods", "issued_at")
    search_fields = ("audit_id", "user__username", "project__name")
    list_select_related = ("user", "project")

    def row_page(self, request: HttpRequest, row: models.Token) -> HttpResponse:
        """Return a token's page."""
        return pages.render(
            self,
            request,
            "console/facts.html",
            title=str(row),
            row=row,
            facts=token_facts(row),
            offers=self.offers(verb(row, caller=acting.caller(request)) for verb in self.verbs),
        )

    @display(description="Project", ordering="project__name")
    def project_shown(self, row: models.Token) -> str | SafeString:
        """Return the project it is good for."""
        return shown.link(row.project)

    @display(description="Issued", ordering="issued_at")
    def issued_shown(self, row: models.Token) -> str | SafeString:
        """Return when it was given out."""
        return shown.moment(row.issued_at)

    @display(description="Expires", ordering="expires_at")
    def expires_shown(self, row: models.Token) -> str | SafeString:
        """Return until when it is good."""
        return _expiry(row)


def token_facts(row: models.Token) -> list[Fact]:
    """Return what is known of a token; the token itself is not."""
    return [
        ("Token", row.audit_id),
        ("User", shown.link(row.user)),
        ("Project", shown.link(row.project)),
        ("Got by", row.methods),
        ("Issued", shown.moment(row.issued_at)),
        ("Expires", _expiry(row)),
    ]


def _expiry(row: models.Token) -> str | SafeString:
    at = shown.moment(row.expires_at)
    return format_html("expired {}", at) if row.expires_at <= clock.now() else at
