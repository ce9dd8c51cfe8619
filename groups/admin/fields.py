"""Form fields with Unfold's widgets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold import widgets

Choice = tuple[str, str | SafeString]


class Rows(forms.BaseFormSet):
    """A few forms of one kind below each other."""

    deletion_widget = widgets.UnfoldBooleanWidget
    ordering_widget = widgets.UnfoldAdminIntegerFieldWidget

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        """Offer to remove only what is there."""
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].label = "Remove"
            # In a table its column says what it is, to those who see it.
            form.fields["DELETE"].widget.attrs["aria-label"] = "Remove"
            if index is None or index >= self.initial_form_count():
                form.fields["DELETE"].widget = forms.HiddenInput()


def text(label: str, *, help_text: str = "", required: bool = False, **options: Any) -> forms.CharField:
    """Return a line of text."""
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=options.pop("max_length", 255),
        widget=widgets.UnfoldAdminTextInputWidget(attrs=options.pop("attrs", None)),
        **options,
    )


def secret(label: str, *, help_text: str = "", **options: Any) -> forms.CharField:
    """Return a secret: shown as the mask it starts with, which means that it stays as it is."""
    widget = widgets.UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=True)
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget, **options)


def reason(*, required: bool) -> forms.CharField:
    """Return a reason, kept with the change."""
    return forms.CharField(
        label="Reason",
        required=required,
        max_length=1000,
        help_text="Kept with the change, for whoever reads the events later.",
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


def lines(label: str, *, help_text: str = "", required: bool = False, **options: Any) -> forms.CharField:
    """Return several lines of text."""
    widget = widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=10_000, widget=widget, **options
    )


def date(label: str, *, attrs: dict[str, Any] | None = None, **options: Any) -> forms.DateField:
    """Return a day."""
    widget = widgets.UnfoldAdminTextInputWidget(attrs={"type": "date", **(attrs or {})})
    return forms.DateField(label=label, required=False, widget=widget, **options)


def number(label: str, *, help_text: str = "", **options: Any) -> forms.IntegerField:
    """Return a whole number."""
    return forms.IntegerField(
        label=label, help_text=help_text, widget=widgets.UnfoldAdminIntegerFieldWidget(), **options
    )


def seconds(label: str, *, help_text: str = "", required: bool = False, **options: Any) -> forms.FloatField:
    """Return a time in seconds, above 0."""
    return forms.FloatField(
        label=label,
        help_text=help_text,
        required=required,
        min_value=0.001,
        widget=widgets.UnfoldAdminTextInputWidget(attrs={"type": "number", "step": "any", "inputmode": "decimal"}),
        error_messages={"min_value": "Give a number of seconds above 0."},
        **options,
    )


def flag(label: str, *, help_text: str = "", initial: bool = False) -> forms.BooleanField:
    """Return a box to tick."""
    return forms.BooleanField(
        label=label, help_text=help_text, required=False, initial=initial, widget=widgets.UnfoldBooleanWidget()
    )


def select(label: str, choices: Iterable[Choice], *, help_text: str = "", **options: Any) -> forms.ChoiceField:
    """Return one of many values, in a list that opens."""
    return forms.ChoiceField(
        label=label, choices=list(choices), help_text=help_text, widget=widgets.UnfoldAdminSelectWidget(), **options
    )


def radios(label: str, choices: Iterable[Choice], **options: Any) -> forms.ChoiceField:
    """Return one of a few values, each with what it means."""
    return forms.ChoiceField(
        label=label, choices=list(choices), widget=widgets.UnfoldAdminRadioSelectWidget(), **options
    )


def boxes(label: str, choices: Iterable[Choice], **options: Any) -> forms.MultipleChoiceField:
    """Return any of a few values."""
    widget = widgets.UnfoldAdminCheckboxSelectMultipleWidget()
    return forms.MultipleChoiceField(label=label, choices=list(choices), widget=widget, **options)


def explained(title: str, explanation: str) -> SafeString:
    """Return a choice's label with a sentence under it."""
    return format_html("<b>{}</b><span>{}</span>", title, explanation)
