"""Forms for a backend and its targets, made from what its driver declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html

from groups import models
from groups.admin import acting, fields, pages, shown
from groups.services import backends as service

_BLANK_ROWS = 2
_OPTION = "option_"


class BackendForm(forms.Form):
    """A backend's own part."""

    def __init__(
        self,
        data: Any,
        *,
        sheet: service.Sheet,
        backend: models.Backend | None = None,
    ) -> None:
        had = service.shown_options(backend) if backend else {}
        super().__init__(data, initial=_initial(had))
        if backend is None:
            self.fields["name"] = fields.text(
                "Name", required=True, help_text="Letters, digits and - _ . only; it cannot be changed later."
            )
        self.fields["description"] = fields.text("Description", initial=backend.description if backend else "")
        if backend is not None:
            self.fields["enabled"] = fields.flag(
                "Enabled", initial=backend.enabled, help_text="Whether new groups and volumes may be placed on it."
            )
        _add_options(self, sheet.options)


def target_rows(
    data: Any, *, sheet: service.Sheet, backend: models.Backend | None = None
) -> forms.BaseFormSet[forms.Form]:
    """Return one form for each target, and blank ones for more."""

    class TargetForm(forms.Form):
        """One target; its name cannot change, because its secrets are kept by it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["backend_id"] = fields.text(
                "Target", help_text="Its name, as failover requests give it.", disabled=bool(self.initial)
            )
            _add_options(self, sheet.target_options)

    rows = forms.formset_factory(TargetForm, formset=fields.Rows, extra=_BLANK_ROWS, can_delete=True, can_order=True)
    had = (
        []
        if backend is None
        else [
            {"backend_id": target.backend_id, **_initial(service.shown_target_options(backend, target))}
            for target in backend.targets.all()
        ]
    )
    return rows(data, initial=had, prefix="targets")


def save(
    request: HttpRequest,
    form: forms.Form,
    rows: Any,
    *,
    sheet: service.Sheet,
    backend: models.Backend | None,
) -> pages.Done:
    """Add or change the backend that the forms describe."""
    caller, values = acting.caller(request), form.cleaned_data
    targets = {row.cleaned_data["backend_id"]: _given(row.cleaned_data) for row in _kept(rows)}
    if backend is None:
        backend = service.add(
            caller,
            name=values["name"],
            driver=sheet.driver,
            options=_given(values),
            targets=targets,
            description=values["description"],
        )
        return format_html("Backend {} was added.", shown.link(backend)), shown.page(backend)
    service.change(
        caller,
        name=backend.name,
        options=_given(values),
        targets=targets,
        enabled=values["enabled"],
        description=values["description"],
    )
    return format_html("Backend {} was changed.", shown.link(backend)), shown.page(backend)


def _add_options(form: forms.Form, options: Any) -> None:
    for option in options:
        form.fields[_OPTION + option.name] = _field(option)


def _field(option: Any) -> forms.Field:
    """Return a declared option's field. What it may hold is for the services to check."""
    default = "" if option.default in (None, "") else f" Default: {option.default}."
    label = option.name.replace("_", " ").capitalize() + (" *" if option.required else "")
    help_text = option.help + default
    if option.secret:
        return fields.secret(label, help_text=f"{help_text} Stored encrypted; leave the asterisks to keep it.")
    if option.kind == "boolean" or option.choices:
        words = option.choices or ("true", "false")
        choices = [("", "default"), *((word, word) for word in words)]
        return fields.select(label, choices, help_text=help_text, required=False)
    return fields.text(label, help_text=help_text, max_length=None)


def _initial(options: Mapping[str, object]) -> dict[str, object]:
    return {_OPTION + name: str(value).lower() if isinstance(value, bool) else value for name, value in options.items()}


def _given(values: Mapping[str, Any]) -> dict[str, object]:
    return {name.removeprefix(_OPTION): value for name, value in values.items() if name.startswith(_OPTION) and value}


def _kept(rows: Any) -> list[forms.Form]:
    """Return the targets to keep, in the order asked for; the first is the default one."""
    kept = [row for row in rows.forms if row.cleaned_data.get("backend_id") and not row.cleaned_data.get("DELETE")]
    return sorted(kept, key=lambda row: row.cleaned_data.get("ORDER") or len(rows.forms))
