"""Who may do what, and the rights that sites give to roles of their own."""

from __future__ import annotations

import dataclasses

import pytest
from django.conf import settings as site_settings

from groups import callers, errors, models
from groups.queries import access
from groups.services import groups, identity, policies, replication, volumes

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")


def somebody(*roles):
    """Return a caller with roles as they are stored."""
    return callers.Caller(user_id="1", user_name="x", project_id="p", roles=callers.expanded(roles))


@pytest.fixture
def configured(settings):
    """Give rights to roles of their own."""

    def configure(**chosen):
        settings.REPLSITE = site_settings.REPLSITE.model_copy(update=chosen)

    return configure


def mode_of(operation):
    return operation.arguments["mode"]


@pytest.mark.parametrize(
    "rule", [name for name, needed in policies.RULES.items() if isinstance(needed, policies.Right)]
)
def test_a_right_given_to_a_role_is_had_by_that_role_and_by_admins_alone(configured, rule):
    configured(**{policies.RULES[rule].value: "chosen"})

    assert policies.allows(somebody("chosen"), rule)
    assert policies.allows(somebody("admin"), rule)
    assert not policies.allows(somebody("member"), rule)


def test_an_unplanned_failover_needs_the_role_of_failing_over_unless_it_has_its_own(configured):
    configured(failover_role="dr")
    assert policies.role_for("group:failover_replication:unplanned") == "dr"

    configured(failover_role="dr", unplanned_failover_role="dr-chief")
    assert policies.role_for("group:failover_replication:unplanned") == "dr-chief"


def test_why_not_says_which_role_is_needed_and_which_are_there(configured):
    configured(failover_role="dr", unplanned_failover_role="dr-chief")

    assert policies.why_not(somebody("member", "dr"), "group:failover_replication") == ""
    said = policies.why_not(somebody("member", "dr"), "group:failover_replication:unplanned")
    assert said == "This needs the role dr-chief in this project; yours: reader, member, dr."
    assert policies.why_not(somebody(), "group:get").endswith("yours: none.")


def test_a_refusal_names_the_rule_and_what_is_missing():
    with pytest.raises(errors.Forbidden) as refused:
        policies.require(somebody("reader"), "group:create")

    assert refused.value.message == "Policy doesn't allow group:create to be performed."
    assert "role member" in refused.value.remedy


def test_a_role_of_somebody_elses_includes_no_other():
    assert callers.expanded(["heat_stack_user"]) == {"heat_stack_user"}
    assert callers.expanded(["member", "dr"]) == {"reader", "member", "dr"}
    assert callers.expanded([]) == frozenset()


def test_a_member_without_the_role_of_failing_over_is_refused_and_nothing_moves(site, configured):
    group = site.enabled_group(1)
    configured(failover_role="dr")

    with pytest.raises(errors.Forbidden, match="group:failover_replication"):
        replication.failover(site.owner, group_id=group.pk)

    group.refresh_from_db()
    assert group.replication_status == "enabled"
    assert not models.Operation.objects.filter(kind="failover").exists()


def test_a_reader_with_the_role_of_failing_over_may_do_that_alone(site, configured):
    group = site.enabled_group(1)
    configured(failover_role="dr")
    rita = dataclasses.replace(site.reader, roles=callers.expanded(["reader", "dr"]))

    replication.failover(rita, group_id=group.pk)

    with pytest.raises(errors.Forbidden):
        groups.delete(rita, group_id=group.pk)
    with pytest.raises(errors.Forbidden):
        volumes.create(rita, size_gib=1, volume_type=site.volume_type.name)


def test_who_may_not_fail_over_unplanned_gets_a_planned_failover_where_the_mode_is_open(site, configured):
    configured(unplanned_failover_role="dr-chief")
    chief = dataclasses.replace(site.owner, roles=callers.expanded(["member", "dr-chief"]))

    assert mode_of(replication.failover(site.owner, group_id=site.enabled_group(1).pk)) == "planned"
    assert mode_of(replication.failover(chief, group_id=site.enabled_group(1).pk)) == "auto"
    with pytest.raises(errors.Forbidden, match="unplanned"):
        replication.failover(site.owner, group_id=site.enabled_group(1).pk, mode="unplanned")


def test_who_may_only_fail_over_unplanned_does_so(site, configured):
    configured(failover_role="admin", unplanned_failover_role="dr-chief")
    chief = dataclasses.replace(site.reader, roles=callers.expanded(["reader", "dr-chief"]))
    group = site.enabled_group(1)

    with pytest.raises(errors.Forbidden):
        replication.failover(chief, group_id=group.pk)
    assert mode_of(replication.failover(chief, group_id=group.pk, mode="unplanned")) == "unplanned"


def test_an_outsider_with_every_right_learns_nothing(site, configured):
    configured(failover_role="dr")
    group = site.enabled_group(1)
    otto = dataclasses.replace(site.outsider, roles=callers.expanded(["member", "dr"]))

    with pytest.raises(errors.NotFound):
        replication.failover(otto, group_id=group.pk)


def test_a_user_has_several_roles_in_a_project(configured):
    configured(failover_role="dr")
    shop = identity.add_project(SYSTEM, name="shop")

    user, _ = identity.add_user(
        SYSTEM, name="rita", project="shop", role="reader", further_roles=["dr"], password="klabautermann"
    )

    assert access.to(user, shop).roles == {"reader", "dr"}
    assert [row.name for row in access.projects(user)] == ["shop"]


def test_giving_roles_again_replaces_all_of_them(configured):
    configured(failover_role="dr")
    shop = identity.add_project(SYSTEM, name="shop")
    user, _ = identity.add_user(
        SYSTEM, name="rita", project="shop", role="member", further_roles=["dr"], password="klabautermann"
    )

    identity.add_user(SYSTEM, name="rita", project="shop", role="reader")

    assert access.to(user, shop).roles == {"reader"}


def test_a_further_role_that_no_setting_asks_for_is_refused(configured):
    configured(failover_role="dr")
    identity.add_project(SYSTEM, name="shop")

    with pytest.raises(errors.InvalidInput, match=r"king.*Roles: reader, member, admin, dr\."):
        identity.add_user(
            SYSTEM, name="rita", project="shop", role="reader", further_roles=["king"], password="klabautermann"
        )

    assert not models.RoleAssignment.objects.exists()
