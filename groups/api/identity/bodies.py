"""Reads the bodies of requests: log-ins, projects, users."""

from __future__ import annotations

from typing import Literal, TypeVar

import pydantic

from groups import errors

DOMAIN_ID = "default"
DOMAIN_NAME = "Default"

_FORBIDDEN_SCOPE = "There are projects only: no domain and no system to log in for."


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(hide_input_in_errors=True, frozen=True)


class Domain(_Part):
    """A domain, by id or by name."""

    id: str | None = None
    name: str | None = None

    @property
    def exists(self) -> bool:
        """Tell whether it is the one there is; one that is not named is."""
        if self.id is not None:
            return self.id == DOMAIN_ID
        return self.name is None or self.name.lower() == DOMAIN_NAME.lower()


class User(_Part):
    """A user, by id, or by name and domain, with a password."""

    id: str | None = None
    name: str | None = None
    domain: Domain = Domain()
    password: str


class Password(_Part):
    """The method `password`."""

    user: User


class Token(_Part):
    """The method `token`."""

    id: str


class Identity(_Part):
    """Who logs in, and how."""

    methods: list[str]
    password: Password | None = None
    token: Token | None = None

    @property
    def proof(self) -> Password | Token:
        """Return the part of the one method named. Raises `InvalidInput`."""
        found = {"password": self.password, "token": self.token}
        match self.methods:
            case [("password" | "token") as method] if (part := found[method]) is not None:
                return part
        raise errors.InvalidInput("Log in with one method, password or token, and send what belongs to it.")


class Project(_Part):
    """A project, by id, or by name and domain."""

    id: str | None = None
    name: str | None = None
    domain: Domain = Domain()


class Scope(_Part):
    """What to log in for."""

    project: Project | None = None
    domain: Domain | None = None
    system: dict[str, bool] | None = None

    @property
    def project_named(self) -> str:
        """Return the project's id or name. Raises `InvalidInput`, or `NotAuthenticated` for another domain."""
        if self.project is None:
            raise errors.InvalidInput(_FORBIDDEN_SCOPE, remedy="Name a project, with OS_PROJECT_NAME.")
        named = self.project.id or self.project.name
        if not named:
            raise errors.InvalidInput("The project to log in for has neither id nor name.")
        if not self.project.id and not self.project.domain.exists:
            raise errors.NotAuthenticated(f"There is one domain, {DOMAIN_ID}.")
        return named


class Login(_Part):
    """A log-in: who, how, and for which project."""

    identity: Identity
    scope: Scope | Literal["unscoped"] | None = None


class LoginBody(_Part):
    """The body of a log-in."""

    auth: Login


class NewProject(_Part):
    """A project to be."""

    name: str
    description: str | None = None
    enabled: bool = True
    domain_id: str = DOMAIN_ID


class NewProjectBody(_Part):
    """The body that adds a project."""

    project: NewProject


class ChangedProject(_Part):
    """What shall change of a project."""

    name: str | None = None
    description: str | None = None
    enabled: bool | None = None


class ChangedProjectBody(_Part):
    """The body that changes a project."""

    project: ChangedProject


class NewUser(_Part):
    """A user to be."""

    name: str
    password: str | None = None
    email: str | None = None
    enabled: bool = True
    domain_id: str = DOMAIN_ID


class NewUserBody(_Part):
    """The body that adds a user."""

    user: NewUser


class ChangedUser(_Part):
    """What shall change of a user."""

    name: str | None = None
    password: str | None = None
    email: str | None = None
    enabled: bool | None = None


class ChangedUserBody(_Part):
    """The body that changes a user."""

    user: ChangedUser


class NewPassword(_Part):
    """A password for the one that is shown."""

    password: str
    original_password: str


class NewPasswordBody(_Part):
    """The body that changes one's own password."""

    user: NewPassword


_Body = TypeVar("_Body", bound=_Part)


def read(body: bytes, form: type[_Body]) -> _Body:
    """Return what is in a request's body. Raises `InvalidInput` naming every fault, and no value."""
    try:
        return form.model_validate_json(body)
    except pydantic.ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        said = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in problems)
        raise errors.InvalidInput(f"The request cannot be read: {said}.") from None
