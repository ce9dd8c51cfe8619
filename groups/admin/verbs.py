"""Verbs: each has a page that says what it will do, changes nothing by GET, and acts by POST."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from groups import callers
from groups.admin import acting, pages
from groups.queries import estimating, preflight
from groups.services import policies

Row = TypeVar("Row", bound=db.Model)
Fact = tuple[str, str | SafeString]


class Verb(abc.ABC, Generic[Row]):
    """One thing that can be done to one row, as one user."""

    slug: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]
    rule: ClassVar[str]
    """The service's policy."""
    is_dangerous: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form
    template: ClassVar[str] = "console/verb.html"

    def __init__(self, row: Row, *, caller: callers.Caller) -> None:
        self.row = row
        self.caller = caller

    def bound(self, request: HttpRequest) -> Verb[Row]:
        """Return the verb as a request asks for it; for those whose page depends on more than the row."""
        return self

    def why_not(self) -> str:
        """Return why it is not possible now; empty when it is."""
        return ""

    @abc.abstractmethod
    def effect(self) -> str:
        """Return what it will do, in a sentence or two."""

    def facts(self) -> Sequence[Fact]:
        """Return what to know before: on what, in which direction, at what cost."""
        return ()

    def checks(self) -> Sequence[preflight.Check]:
        """Return what was checked, each with its result."""
        return ()

    def last(self) -> estimating.Last | None:
        """Return the last time that the same was done."""
        return None

    def warning(self) -> str | SafeString:
        """Return what may be lost; empty when nothing."""
        return ""

    def form(self, data: Any = None) -> forms.Form:
        """Return what has to be said for it."""
        return self.form_class(data)

    @abc.abstractmethod
    def act(self, values: dict[str, Any]) -> pages.Done:
        """Do it through the services; return what happened and where to go next."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Offer:
    """The verbs that are offered together: those possible now, or those impossible for one reason."""

    why_not: str
    buttons: list[Button]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Button:
    """A verb as it is offered on its row's page."""

    slug: str
    title: str
    icon: str
    url: str
    is_dangerous: bool


class VerbsMixin(ModelAdmin):
    """Gives the rows of an admin their verbs, each at an address of its own."""

    verbs: Sequence[type[Verb[Any]]] = ()

    def get_urls(self) -> list[URLPattern]:
        """Add an address for each verb."""
        own = [
            path(
                f"<path:object_id>/{verb.slug}/",
                self.admin_site.admin_view(functools.partial(self.verb_view, verb_class=verb)),
                name=self._verb_url_name(verb),
            )
            for verb in self.verbs
        ]
        return own + super().get_urls()

    def verb_view(self, request: HttpRequest, object_id: str, *, verb_class: type[Verb[Any]]) -> HttpResponse:
        """Show a verb's page; do it on POST. Who may not do it gets neither."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        verb = verb_class(row, caller=self.caller_for(request, row)).bound(request)
        pages.require(verb.caller, verb.rule)
        form = verb.form(request.POST if request.method == "POST" else None)
        return pages.answer_form(
            self,
            request,
            form,
            act=lambda: verb.act(form.cleaned_data),
            template=verb.template,
            title=verb.title,
            row=row,
            subtitle=verb.title,
            verb=verb,
            back=reverse(self._url_name("change"), args=(row.pk,)),
        )

    def offers(self, verbs: Iterable[Verb[Any]]) -> list[Offer]:
        """Return the verbs that their caller may ask for: the possible ones, then the others with why not."""
        found: dict[str, list[Button]] = {"": []}
        for verb in verbs:
            if policies.allows(verb.caller, verb.rule):
                found.setdefault(verb.why_not(), []).append(self._button(verb))
        return [Offer(why_not=why_not, buttons=buttons) for why_not, buttons in found.items() if buttons]

    def caller_for(self, request: HttpRequest, row: Any) -> callers.Caller:
        """Return the user as a caller in the row's project, if it has one."""
        return acting.caller(request, project_id=getattr(row, "project_id", ""))

    def _button(self, verb: Verb[Any]) -> Button:
        return Button(
            slug=verb.slug,
            title=verb.title,
            icon=verb.icon,
            url=reverse(f"{self.admin_site.name}:{self._verb_url_name(type(verb))}", args=(verb.row.pk,)),
            is_dangerous=verb.is_dangerous,
        )

    def _verb_url_name(self, verb: type[Verb[Any]]) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{verb.slug.replace('-', '_')}"

    def _url_name(self, what: str) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{what}"
