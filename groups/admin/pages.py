"""Renders the console's own pages, and turns an error of the services into what a person reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import models as db
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from groups import callers, errors
from groups.services import policies

Done = tuple[str | SafeString, str]
"""What happened, and the address of the page to go to."""


def render(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    template: str,
    *,
    title: str,
    row: db.Model | None = None,
    status: int = 200,
    **values: Any,
) -> TemplateResponse:
    """Return one of our pages inside the console's frame."""
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": row,
        "title": title,
        **values,
    }
    return TemplateResponse(request, template, context, status=status)


def answer_form(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    form: forms.BaseForm,
    *,
    act: Callable[[], Done],
    template: str,
    title: str,
    row: db.Model | None = None,
    **values: Any,
) -> HttpResponse:
    """Show a form; on a valid POST act on it once, and say what happened or what is wrong.

    A refusal of the services is shown above the form, with what to do next.
    """
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                message, url = act()
            except errors.Forbidden as error:
                raise PermissionDenied(error.message) from error
            except errors.ReplsiteError as error:
                form.add_error(None, sentence(error))
                status = error.native_status or error.http_status
            else:
                messages.success(request, message)
                return HttpResponseRedirect(url)
    return render(admin, request, template, title=title, row=row, status=status, form=form, **values)


def require(caller: callers.Caller, rule: str) -> None:
    """Refuse with the console's page for it unless the caller's roles allow a rule."""
    if why_not := policies.why_not(caller, rule):
        raise PermissionDenied(why_not)


def sentence(error: errors.ReplsiteError) -> SafeString:
    """Return what is wrong and what to do next."""
    return format_html("{}{}", error.message, format_html("<br><b>{}</b>", error.remedy) if error.remedy else "")
