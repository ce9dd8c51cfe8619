"""The site's settings: read from the environment, checked at once, documented here.

`python -m replsite.config` prints the table that is kept in docs/settings.md.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import dj_database_url
import pydantic
import pydantic_settings
from pydantic import Field, SecretStr

from replsite import secretfiles

CHECKOUT = Path(__file__).resolve().parent.parent
PREFIX = "REPLSITE_"
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql")
BROKER_SCHEMES = ("spool", "redis", "rediss", "redis+socket", "amqp", "amqps", "memory")
QUOTAS = ("volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "groups")

Listed = Annotated[tuple[str, ...], pydantic_settings.NoDecode]
SecretsListed = Annotated[tuple[SecretStr, ...], pydantic_settings.NoDecode]
RoleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Seconds = Annotated[float, Field(gt=0)]


class WrongSettings(SystemExit):
    """The environment does not describe a site that can start; the message lists every reason."""


class SiteConfig(pydantic_settings.BaseSettings):
    """Everything that may differ between two installations, from REPLSITE_* variables."""

    model_config = pydantic_settings.SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    bind: str = Field(
        "127.0.0.1:8776", description="Where the web process listens: `HOST:PORT`, or `unix:/path/to/socket`."
    )
    state_dir: Path = Field(
        Path("var"),
        validate_default=True,
        description="The folder for everything the site keeps itself. A relative path starts at the checkout.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="`sqlite:////abs/path` or `postgresql://user:password@host/name`. "
        "Empty: a SQLite file in the state folder.",
    )
    broker_url: SecretStr = Field(
        SecretStr(""),
        description="What wakes the workers: `spool:///abs/path`, `redis://...`, `amqp://...`. "
        "Empty: a spool folder in the state folder.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs sessions and opens stored secrets. Empty: made once and kept in `secret-key` in the "
        "state folder, which every process of the site must then share.",
    )
    secret_key_fallbacks: SecretsListed = Field(
        (), description="Former secret keys, comma separated: still open what they closed, close nothing new."
    )
    admin_password: SecretStr = Field(
        SecretStr(""),
        description="The first password of user `admin`, used by `manage.py bootstrap`. Empty: one is made and shown.",
    )
    project_id: str = Field(
        "",
        pattern="^([0-9a-f]{32})?$",
        description="The id of the first project, 32 hexadecimal digits. Empty: one is made and shown.",
    )
    public_url: str = Field(
        "",
        description="The address clients use, such as `https://storage.example.org`, for links and the catalog. "
        "Empty: the address of each request.",
    )
    allowed_hosts: Listed = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names requests may name, comma separated. The host of the public address is always added.",
    )
    debug: bool = Field(False, description="Show details of errors in the browser. Never on a site others can reach.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least level logged.")
    log_format: Literal["console", "json"] = Field("console", description="Logs for people, or one JSON object a line.")
    lease_seconds: Seconds = Field(30, description="How long a worker owns an operation without a sign of life.")
    heartbeat_seconds: Seconds = Field(
        10, description="How often a worker shows that it lives. Less than half of the lease."
    )
    sweep_seconds: Seconds = Field(5, description="How often operations nobody works on are looked for.")
    redispatch_seconds: Seconds = Field(
        10, description="How long a queued operation may wait before its worker is woken again."
    )
    observe_seconds: Seconds = Field(
        15,
        description="How often the replication of each group is observed. Every other time while operations wait for a "
        "worker.",
    )
    rpo_warning_seconds: Seconds | None = Field(
        None,
        description="From which age of a group's newest point on there is a warning, where neither the group nor its "
        "type says. Empty: three intervals of its rounds.",
    )
    rpo_critical_seconds: Seconds | None = Field(
        None, description="From which age on it is critical. Empty: ten intervals of its rounds."
    )
    rto_warning_seconds: Seconds | None = Field(
        None,
        description="From which length of a group's last failover on there is a warning, where neither the group nor "
        "its type says. Empty: none.",
    )
    rto_critical_seconds: Seconds | None = Field(
        None, description="From which length on it is critical; then so is a group that never failed over. Empty: none."
    )
    rounds_tick_seconds: Seconds = Field(1, description="How often due replication rounds are looked for.")
    driver_deadline_seconds: Seconds = Field(
        60, description="The longest a driver call may go on without progress before it counts as hung."
    )
    stalled_seconds: Seconds | None = Field(
        None,
        description="How long an operation may make no progress before that is a finding. Less than the driver "
        "deadline. Empty: a third of it.",
    )
    retry_limit: int = Field(5, ge=0, description="How often a step is tried again after a retryable driver error.")
    retry_base_seconds: Seconds = Field(1, description="The wait before the first retry; each next one is twice it.")
    retry_max_seconds: Seconds = Field(60, description="The longest wait before a retry.")
    quotas: Listed = Field(
        (),
        description="What a project may have unless an admin sets it otherwise, comma separated, such as "
        "`volumes=500,gigabytes=20000,groups=50`: `volumes`, `snapshots`, `gigabytes`, `per_volume_gigabytes` and "
        "`groups`; -1 is no limit. What is not named has none.",
    )
    message_days: float = Field(30, gt=0, description="How many days a user message is kept.")
    site_failover_concurrency: int = Field(
        20, ge=1, le=1000, description="How many groups the failover of a whole site moves at once, unless it says so."
    )
    worker_concurrency: int = Field(8, ge=1, le=256, description="How many operations one worker process runs at once.")
    default_volume_type: str = Field(
        "__DEFAULT__",
        description="The name of the volume type of volumes that name none. `manage.py bootstrap` makes it where there "
        "is no type yet. A project may have a default of its own.",
    )
    default_group_type: str = Field(
        "", description="The name of the group type that clients show as the default one. Empty: there is none."
    )
    token_hours: float = Field(24, gt=0, description="How long an identity token is good for, in hours.")
    failover_role: RoleName = Field(
        "member", description="The role that failing over and back needs in a project; `admin` always may."
    )
    unplanned_failover_role: RoleName | None = Field(
        None,
        description="The role that an unplanned failover needs, which may lose what is not yet at the target; "
        "`admin` always may. Empty: that of failing over.",
    )
    drill_role: RoleName = Field("member", description="The role that drills need; `admin` always may.")
    approve_role: RoleName = Field(
        "admin", description="The role that approving what somebody else did needs; `admin` always may."
    )
    reset_role: RoleName = Field(
        "admin", description="The role that setting a status by hand needs; `admin` always may."
    )
    keystone_auth_url: str = Field(
        "",
        description="The address of an OpenStack Keystone, such as `https://keystone.example.org/v3`, whose users may "
        "come in too. Empty: there is none.",
    )
    keystone_public_url: str = Field(
        "", description="The address of that Keystone for clients, where it is another one. Empty: the same."
    )
    keystone_username: str = Field("replsite", description="As whom this site asks Keystone about tokens.")
    keystone_password: SecretStr = Field(SecretStr(""), description="The password of that user.")
    keystone_project: str = Field("service", description="The project in which that user has the role `service`.")
    keystone_domain: str = Field("default", description="The id of the domain of that user and project.")
    keystone_interface: Literal["public", "internal", "admin"] = Field(
        "internal", description="Which of its addresses Keystone is asked at."
    )
    keystone_ca_file: Path | None = Field(
        None, description="The certificates that vouch for Keystone's. Empty: those this machine trusts."
    )
    keystone_service_role: str = Field(
        "service", description="The role that other OpenStack services need to vouch for an expired token."
    )
    keystone_cache_seconds: Seconds = Field(
        60, description="How long what Keystone said of a token is believed: a role taken away counts that much later."
    )
    keystone_timeout_seconds: Seconds = Field(5, description="How long Keystone may take to answer.")
    drills_tick_seconds: Seconds = Field(5, description="How often due drills and unsent notices are looked for.")
    drills_at_once: int = Field(2, ge=1, description="How many drills of all plans may run at once on one backend.")
    drill_checks_dir: Path | None = Field(
        None,
        description="The folder of the programs that drills may run as checks. Empty: `checks` in the state folder.",
    )
    drill_key: SecretStr = Field(
        SecretStr(""),
        description="What the key that signs drill reports is made from. Empty: made once and kept in `drill-key` in "
        "the state folder, which every process of the site must then share.",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server for notices of drills, `smtp://user:password@host:587/?tls=yes`. Empty: no mail "
        "is sent.",
    )
    mail_from: str = Field("replsite@localhost", description="The sender of notices.")
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="What `/metrics` asks for as a bearer token. Empty: whoever reaches the web process may read them.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[pydantic_settings.BaseSettings],
        init_settings: pydantic_settings.PydanticBaseSettingsSource,
        env_settings: pydantic_settings.PydanticBaseSettingsSource,
        dotenv_settings: pydantic_settings.PydanticBaseSettingsSource,
        file_secret_settings: pydantic_settings.PydanticBaseSettingsSource,
    ) -> tuple[pydantic_settings.PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then files named by `REPLSITE_<NAME>_FILE`."""
        return init_settings, env_settings, secretfiles.NamedFiles(settings_cls, prefix=PREFIX, names=secret_fields())

    @pydantic.field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @pydantic.field_validator("allowed_hosts", "secret_key_fallbacks", "quotas", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.replace("\n", ",").split(",") if part.strip())

    @pydantic.field_validator("quotas")
    @classmethod
    def _limits(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            name, _, limit = each.partition("=")
            if name not in QUOTAS or not limit.removeprefix("-").isdecimal() or int(limit) < -1:
                raise ValueError(f"'{each}' is no limit such as volumes=500; known are {', '.join(QUOTAS)}")
        return value

    @pydantic.field_validator("bind")
    @classmethod
    def _listenable(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value.startswith("unix:/"):
            return value
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("give HOST:PORT with a port from 1 to 65535, or unix:/path/to/socket")
        return value

    @pydantic.field_validator("state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return (CHECKOUT / value.expanduser()).resolve()

    @pydantic.field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if not url:
            return value
        if url.partition(":")[0] not in DATABASE_SCHEMES:
            raise ValueError(f"start the address with one of {', '.join(DATABASE_SCHEMES)}")
        try:
            dj_database_url.parse(url)
        except ValueError as error:
            raise ValueError("this is not a database address; a password may need percent encoding") from error
        return value

    @pydantic.field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        scheme, _, rest = url.partition(":")
        if url and scheme not in BROKER_SCHEMES:
            raise ValueError(f"start the address with one of {', '.join(BROKER_SCHEMES)}")
        if scheme == "spool" and not rest.startswith("///"):
            raise ValueError("name the folder by its whole path: spool:///abs/path")
        return value

    @pydantic.field_validator("public_url", "keystone_auth_url", "keystone_public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urllib.parse.urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("give an address like https://storage.example.org")
        return value.rstrip("/")

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.heartbeat_seconds * 2 >= self.lease_seconds:
            raise ValueError(
                "REPLSITE_LEASE_SECONDS must be more than twice REPLSITE_HEARTBEAT_SECONDS "
                f"(now {self.lease_seconds:g} and {self.heartbeat_seconds:g}), "
                "or one late heartbeat gives a running operation to another worker"
            )
        if self.keystone_auth_url and not self.keystone_password.get_secret_value():
            raise ValueError("REPLSITE_KEYSTONE_AUTH_URL needs REPLSITE_KEYSTONE_PASSWORD, or its file, too")
        if self.keystone_auth_url and importlib.util.find_spec("keystonemiddleware") is None:
            raise ValueError(
                "REPLSITE_KEYSTONE_AUTH_URL needs a package that is not installed: "
                ".venv/bin/pip install -r requirements-keystone.txt"
            )
        if self.retry_base_seconds > self.retry_max_seconds:
            raise ValueError("REPLSITE_RETRY_BASE_SECONDS must not be more than REPLSITE_RETRY_MAX_SECONDS")
        if self.stalled_after_seconds >= self.driver_deadline_seconds:
            raise ValueError(
                "REPLSITE_STALLED_SECONDS must be less than REPLSITE_DRIVER_DEADLINE_SECONDS "
                f"(now {self.stalled_after_seconds:g} and {self.driver_deadline_seconds:g}), "
                "or a hung call is given up before anybody hears of it"
            )
        return self

    @property
    def stalled_after_seconds(self) -> float:
        """Return how long an operation may make no progress before that is a finding."""
        return self.driver_deadline_seconds / 3 if self.stalled_seconds is None else self.stalled_seconds

    @property
    def quota_defaults(self) -> dict[str, int]:
        """Return the limits that hold for every project that has none of its own, by resource."""
        return {name: int(limit) for name, _, limit in (each.partition("=") for each in self.quotas)}

    @property
    def drill_signing_key(self) -> str:
        """Return what the key that signs drill reports is made from."""
        return self.drill_key.get_secret_value() or secretfiles.kept_key(self.state_dir / "drill-key")

    @property
    def checks_dir(self) -> Path:
        """Return the folder of the programs that drills may run."""
        return self.drill_checks_dir or self.state_dir / "checks"

    @property
    def database_address(self) -> str:
        """Return the database's address, with its password."""
        return self.database_url.get_secret_value() or f"sqlite:///{self._kept('replsite.sqlite3')}"

    @property
    def broker_address(self) -> str:
        """Return the broker's address, with its password."""
        return self.broker_url.get_secret_value() or f"spool://{self._kept('spool')}"

    def _kept(self, name: str) -> str:
        return urllib.parse.quote(str(self.state_dir / name))


def secret_fields() -> frozenset[str]:
    """Return the settings whose values are secret: never shown, and readable from a file."""
    return frozenset(name for name, field in SiteConfig.model_fields.items() if _is_secret(field.annotation))


def load() -> SiteConfig:
    """Return the checked settings. Raises `WrongSettings`, which ends the process, listing every problem."""
    problems = list(_misspelled())
    try:
        site = SiteConfig()
    except pydantic.ValidationError as error:
        problems += [_problem(each["loc"], each["msg"]) for each in error.errors(include_input=False)]
    except secretfiles.CannotReadSecrets as error:
        problems += error.problems
    else:
        if not problems:
            return site
    raise WrongSettings("Replsite cannot start with these settings:\n" + "\n".join(f"  - {each}" for each in problems))


def table() -> str:
    """Return all settings as a Markdown table."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in SiteConfig.model_fields.items():
        rows.append(f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |")
    return "\n".join(rows) + "\n"


def _misspelled() -> Iterator[str]:
    known = [f"{PREFIX}{name.upper()}{end}" for name in SiteConfig.model_fields for end in ("", "_FILE")]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            for meant in difflib.get_close_matches(name, known, n=1, cutoff=0.9):
                yield f"{name}: there is no such setting; {meant} may be meant"


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or "SecretStr" in str(annotation)


def _problem(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(location[0]).upper()}: {text}" if location else text


def _shown(default: object) -> str:
    if isinstance(default, SecretStr) or default in ("", (), None):
        return ""
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201  the command's answer
