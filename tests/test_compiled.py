"""Compiled statements find and store what the ordinary ones do, and are compiled once."""

from __future__ import annotations

import datetime
import threading
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, models as db, transaction
from django.db.models import F
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext

from groups import compiled, models
from groups.compiled import slot
from groups.models.quotas import PROJECT
from groups.statuses import Kind, OperationState, ReplicationStatus, StepState, VolumeStatus

pytestmark = pytest.mark.django_db

THEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
AWKWARD = {"tier": "gold", "say": '"%s" ✓', "none": None, "list": [1, 2.5, True]}


def operation(group: models.Group, **more: Any) -> models.Operation:
    return models.Operation(
        kind=Kind.ENABLE, group=group, subject_id=group.pk, project=group.project, user_id="olga", **more
    )


def row(model: type[db.Model], **wanted: object) -> dict[str, object]:
    """Return the columns of the one row that is meant, as the database holds them."""
    return model._default_manager.values().get(**wanted)


def told(instance: db.Model | None) -> object:
    """Return all that a model's instance holds, with what it holds of others."""
    if instance is None:
        return None
    state = instance._state
    others = {name: told(other) for name, other in state.fields_cache.items()}
    own = {name: value for name, value in vars(instance).items() if name != "_state"}
    return type(instance), own, others, state.adding, state.db


class Volumes:
    """A group and two volumes to be found and changed."""

    @pytest.fixture
    def place(self, db: None) -> dict[str, Any]:
        """What a group or volume needs to be somewhere."""
        project = models.Project.objects.create(name="shop")
        return {
            "project": project,
            "user_id": "olga",
            "backend": models.Backend.objects.create(name="a", driver="fake"),
        }

    @pytest.fixture
    def group(self, place: dict[str, Any]) -> models.Group:
        return models.Group.objects.create(
            group_type=models.GroupType.objects.create(name="replicated"), name="shop", observed_at=THEN, **place
        )

    @pytest.fixture
    def volumes(self, group: models.Group, place: dict[str, Any]) -> list[models.Volume]:
        """One in a group with everything set, and one alone with as little as may be."""
        kind = models.VolumeType.objects.create(name="replicable")
        return [
            models.Volume.objects.create(
                group=group,
                volume_type=kind,
                size_gib=7,
                name="100% 'é'",
                metadata=AWKWARD,
                bootable=True,
                updated_at=THEN,
                source_volume_id=uuid.uuid4(),
                status=VolumeStatus.IN_USE,
                **place,
            ),
            models.Volume.objects.create(volume_type=kind, size_gib=1, **place),
        ]


class TestASelect(Volumes):
    def test_finds_the_models_that_the_ordinary_query_finds(self, volumes):
        plain = models.Volume.objects.select_related("group__group_type", "backend").order_by("size_gib")

        found = compiled.Select(lambda: plain.filter(pk=slot("pk")))

        for volume in volumes:
            assert [told(each) for each in found.all(pk=volume.pk)] == [told(plain.get(pk=volume.pk))]

    def test_asks_no_more_for_a_relation_that_is_there_or_is_none(self, volumes, django_assert_num_queries):
        found = compiled.Select(lambda: models.Volume.objects.select_related("group").order_by("size_gib"))
        found.all()

        with django_assert_num_queries(1):
            assert [volume.group and volume.group.name for volume in found.all()] == [None, "shop"]

    def test_finds_models_with_what_they_are_annotated_with(self, volumes):
        plain = models.Volume.objects.annotate(loud=Upper("user_id"))

        found = compiled.Select(lambda: plain.filter(pk=slot("pk"))).first(pk=volumes[0].pk)

        assert found.loud == "OLGA"
        assert told(found) == told(plain.get(pk=volumes[0].pk))

    def test_of_some_columns_leaves_the_others_for_later(self, volumes):
        found = compiled.Select(lambda: models.Volume.objects.only("name").filter(pk=slot("pk")))

        volume = found.first(pk=volumes[0].pk)

        assert "metadata" in volume.get_deferred_fields()
        assert volume.metadata == AWKWARD

    COLUMNS = ("id", "metadata", "updated_at", "status", "name", "bootable", "group__name", "source_volume_id", "epoch")

    def test_finds_the_tuples_that_the_ordinary_query_finds(self, volumes):
        plain = models.Volume.objects.order_by("size_gib").values_list(*self.COLUMNS)

        found = compiled.Select(lambda: plain.filter(user_id=slot("user")))

        assert found.all(user="olga") == list(plain)
        assert {type(each) for each in found.all(user="olga")} == {tuple}

    def test_finds_tuples_without_what_they_are_sorted_by(self, volumes):
        plain = models.Volume.objects.order_by("size_gib").values_list("name", "status").distinct()

        assert compiled.Select(lambda: plain).all() == list(plain)

    @pytest.mark.parametrize("column", COLUMNS)
    def test_finds_the_values_that_the_ordinary_query_finds(self, volumes, column):
        plain = models.Volume.objects.order_by("size_gib").values_list(column, flat=True)

        found = compiled.Select(lambda: plain.filter(user_id=slot("user"))).all(user="olga")

        assert found == list(plain)
        assert [type(each) for each in found] == [type(each) for each in plain]

    def test_compares_identifiers_times_texts_words_and_numbers_as_the_ordinary_query_does(self, volumes):
        found = compiled.Select(
            lambda: models.Volume.objects.filter(
                group_id=slot("group"),
                updated_at__lte=slot("now"),
                name=slot("name"),
                status__in=(slot("one"), slot("other")),
                size_gib__gt=slot("size"),
                bootable=slot("bootable"),
            ).values_list("pk", flat=True)
        )
        of_first = {
            "group": volumes[0].group_id,
            # The same moment, told in another zone.
            "now": THEN.astimezone(datetime.timezone(datetime.timedelta(hours=5))),
            "name": volumes[0].name,
            "one": VolumeStatus.ERROR,
            "other": VolumeStatus.IN_USE,
            "size": 6,
            "bootable": True,
        }

        assert found.all(**of_first) == [volumes[0].pk]
        others = {
            "group": uuid.uuid4(),
            "now": THEN - datetime.timedelta(microseconds=1),
            "name": "100%",
            "other": VolumeStatus.AVAILABLE,
            "size": 7,
            "bootable": False,
        }
        for name, value in others.items():
            assert found.all(**{**of_first, name: value}) == [], name

    def test_finds_nothing_where_a_value_is_none(self, volumes):
        found = compiled.Select(lambda: models.Volume.objects.filter(group_id=slot("group")))

        assert found.all(group=None) == []
        assert found.first(group=None) is None

    def test_is_compiled_once_and_runs_one_statement_each_time(self, volumes):
        made = []

        def query() -> Any:
            made.append(1)
            return models.Volume.objects.filter(pk=slot("pk"))

        found = compiled.Select(query)
        with CaptureQueriesContext(connection) as captured:
            names = [found.first(pk=volume.pk).name for volume in volumes * 5]

        assert names == [volume.name for volume in volumes] * 5
        assert (len(made), len(captured)) == (1, 10)

    def test_without_one_of_its_values_runs_nothing(self, volumes, django_assert_num_queries):
        found = compiled.Select(lambda: models.Volume.objects.filter(pk=slot("pk"), name=slot("name")))

        with django_assert_num_queries(0), pytest.raises(KeyError, match="name"):
            found.all(pk=volumes[0].pk)

    @pytest.mark.parametrize(
        "form",
        [
            lambda rows: rows.values("name"),
            lambda rows: rows.values_list("name", named=True),
            lambda rows: rows.prefetch_related("attachments"),
        ],
        ids=("dictionaries", "named tuples", "prefetched"),
    )
    def test_of_another_form_is_refused_instead_of_giving_something_else(self, volumes, form):
        with pytest.raises(NotImplementedError):
            compiled.Select(lambda: form(models.Volume.objects.all())).all()


class TestThreadsAtOnce(Volumes):
    @pytest.mark.django_db(transaction=True)
    def test_each_get_the_rows_they_ask_for(self, volumes):
        found = compiled.Select(lambda: models.Volume.objects.select_related("group").filter(pk=slot("pk")))
        expected = {volume.pk: (volume.name, volume.group_id) for volume in volumes}
        gate, wrong, done = threading.Barrier(2), [], []

        def ask(pk: uuid.UUID) -> None:
            try:
                gate.wait()
                for _ in range(50):
                    volume = found.first(pk=pk)
                    if (volume.name, volume.group and volume.group.pk) != expected[pk]:
                        wrong.append(volume)
                done.append(pk)
            finally:
                connection.close()

        threads = [threading.Thread(target=ask, args=(pk,)) for pk in expected]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert wrong == []
        assert set(done) == set(expected)

    @pytest.mark.django_db(transaction=True)
    def test_go_on_when_a_connection_was_closed_in_between(self, volumes):
        found = compiled.Select(lambda: models.Volume.objects.filter(pk=slot("pk")))
        for volume in volumes:
            assert found.first(pk=volume.pk).name == volume.name
            connection.close()


class TestAnUpdate(Volumes):
    def test_changes_the_rows_that_match_and_tells_how_many(self, volumes):
        change = compiled.Update(
            lambda: (
                models.Volume.objects.filter(user_id=slot("user"), size_gib__gte=slot("size")),
                {"status": slot("status")},
            )
        )

        assert change.run(user="olga", size=2, status=VolumeStatus.ERROR) == 1
        assert [row(models.Volume, pk=volume.pk)["status"] for volume in volumes] == ["error", "creating"]
        assert change.run(user="olga", size=1, status=VolumeStatus.AVAILABLE) == 2
        assert change.run(user="nobody", size=1, status=VolumeStatus.ERROR) == 0
        assert {row(models.Volume, pk=volume.pk)["status"] for volume in volumes} == {"available"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"metadata": AWKWARD},
            {"metadata": {}},
            {"updated_at": THEN.astimezone(datetime.timezone(datetime.timedelta(hours=-8)))},
            {"updated_at": None, "group_id": None, "name": None, "readonly": None},
            {"replication_status": ReplicationStatus.FAILED_OVER, "name": "50% 'ü' %s", "bootable": False},
            {"source_volume_id": uuid.UUID(int=7), "epoch": 2**40, "size_gib": 9},
        ],
        ids=", ".join,
    )
    def test_stores_values_as_the_ordinary_update_does(self, volumes, changes):
        first, _ = volumes
        rows = models.Volume.objects.filter(pk=first.pk)
        before = row(models.Volume, pk=first.pk)
        rows.update(**changes)
        expected = row(models.Volume, pk=first.pk)
        rows.update(**{name: before[name] for name in changes})

        compiled.Update(
            lambda: (models.Volume.objects.filter(pk=slot("pk")), {name: slot(name) for name in changes})
        ).run(pk=first.pk, **changes)

        assert row(models.Volume, pk=first.pk) == expected
        if "metadata" in changes:
            # What is stored is JSON and no text of it.
            assert rows.filter(metadata=changes["metadata"]).exists()

    def test_reckons_with_columns_and_leaves_those_that_it_does_not_name(self, volumes):
        first, second = volumes
        before = row(models.Volume, pk=first.pk)
        change = compiled.Update(
            lambda: (
                models.Volume.objects.filter(pk=slot("pk")),
                {"epoch": F("epoch") + slot("more"), "previous_status": F("status"), "description": "as it was"},
            )
        )

        assert [change.run(pk=first.pk, more=more) for more in (3, 2**33)] == [1, 1]

        changed = {"epoch": 3 + 2**33, "previous_status": "in-use", "description": "as it was"}
        assert row(models.Volume, pk=first.pk) == before | changed
        assert row(models.Volume, pk=second.pk)["epoch"] == 0

    def test_is_compiled_once_and_runs_one_statement_each_time(self, volumes):
        made = []

        def change() -> Any:
            made.append(1)
            return models.Volume.objects.filter(pk=slot("pk")), {"name": slot("name")}

        renamed = compiled.Update(change)
        with CaptureQueriesContext(connection) as captured:
            for number, volume in enumerate(volumes * 5):
                renamed.run(pk=volume.pk, name=f"v{number}")

        assert (len(made), len(captured)) == (1, 10)
        assert [row(models.Volume, pk=volume.pk)["name"] for volume in volumes] == ["v8", "v9"]

    def test_without_one_of_its_values_runs_nothing(self, volumes, django_assert_num_queries):
        change = compiled.Update(lambda: (models.Volume.objects.filter(pk=slot("pk")), {"name": slot("name")}))

        with django_assert_num_queries(0), pytest.raises(KeyError, match="name"):
            change.run(pk=volumes[0].pk)

        assert row(models.Volume, pk=volumes[0].pk)["name"] == volumes[0].name

    def test_that_a_constraint_forbids_lets_its_transaction_store_nothing(self, volumes):
        change = compiled.Update(lambda: (models.Volume.objects.filter(pk=slot("pk")), {"status": slot("status")}))

        with transaction.atomic():
            models.Volume.objects.update(name="before")
            with pytest.raises(IntegrityError):
                change.run(pk=volumes[0].pk, status="fine")
            with pytest.raises(transaction.TransactionManagementError):
                models.Volume.objects.update(name="after")
            transaction.set_rollback(True)

        assert row(models.Volume, pk=volumes[0].pk)["name"] == volumes[0].name


class TestAnInsert(Volumes):
    def test_stores_what_saving_the_model_stores(self, group):
        told = {
            "state": OperationState.RUNNING,
            "arguments": AWKWARD,
            "lease_until": THEN,
            "not_before": None,
            "undoing": True,
            "error": "100% of '%s' ✓",
            "progress_total": 2**40,
        }
        saved = operation(group, **told)
        saved.save()
        expected = row(models.Operation, pk=saved.pk)
        models.Operation.objects.all().delete()
        inserted = operation(group, id=saved.id, created_at=saved.created_at, **told)

        assert compiled.Insert(models.Operation).run([inserted]) == 1

        assert row(models.Operation, pk=saved.pk) == expected
        assert models.Operation.objects.filter(arguments=AWKWARD).exists()
        assert (inserted._state.adding, inserted._state.db) == (saved._state.adding, saved._state.db)

    def test_stores_rows_of_defaults_and_of_values_together(self, place):
        kind = models.VolumeType.objects.create(name="replicable")
        rows = [
            models.Volume(volume_type=kind, size_gib=1, **place),
            models.Volume(volume_type=kind, size_gib=2, name="b", updated_at=THEN, metadata=AWKWARD, **place),
            models.Volume(volume_type=kind, size_gib=3, readonly=False, source_volume_id=uuid.uuid4(), **place),
        ]

        assert compiled.Insert(models.Volume).run(rows) == 3

        for made in rows:
            stored = models.Volume.objects.get(pk=made.pk)
            assert {**vars(stored), "_state": None} == {**vars(made), "_state": None}

    def test_lets_the_database_number_what_it_numbers(self, group):
        moves = [
            models.Event(at=THEN, axis="volume.status", subject_id=group.pk, new=new, actor="olga") for new in "ab"
        ]

        assert compiled.Insert(models.Event).run(moves) == 2

        first, second = models.Event.objects.order_by("pk")
        assert (first.new, second.new, first.pk < second.pk) == ("a", "b", True)

    def test_of_nothing_runs_nothing(self, db, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert compiled.Insert(models.Event).run([]) == 0

    def test_of_more_values_than_a_statement_takes_is_several_and_all_or_none(self, db):
        many = [models.Event(at=THEN, axis="a", subject_id=uuid.uuid4(), new="b", actor="c") for _ in range(6000)]
        insert = compiled.Insert(models.Event)

        assert insert.run(many) == 6000
        assert models.Event.objects.count() == 6000

        many[-1].actor = None  # type: ignore[assignment]
        with pytest.raises(IntegrityError), transaction.atomic():
            insert.run(many)
        assert models.Event.objects.count() == 6000


class TestAnInsertOverRowsThatExist(Volumes):
    def test_writes_the_named_columns_of_those_and_no_other(self, group):
        held = operation(group)
        held.save()
        old, other = (
            models.OperationStep.objects.create(operation=held, position=number, name=f"step-{number}")
            for number in range(2)
        )
        before, others = row(models.OperationStep, pk=old.pk), row(models.OperationStep, pk=other.pk)
        old.state, old.result, old.name, old.position = StepState.RUNNING, AWKWARD, "renamed", 7
        new = models.OperationStep(operation=held, position=2, name="new", started_at=THEN)

        compiled.Insert(models.OperationStep, over=("state", "result")).run([old, new])

        assert row(models.OperationStep, pk=old.pk) == before | {"state": "running", "result": AWKWARD}
        assert row(models.OperationStep, pk=other.pk) == others
        assert row(models.OperationStep, pk=new.pk)["started_at"] == THEN


class TestAnInsertUnlessThere(Volumes):
    def test_leaves_the_row_and_the_transaction_when_a_constraint_forbids(self, group):
        held = operation(group, owner="first")
        held.save()
        before = row(models.Operation, pk=held.pk)
        insert = compiled.Insert(models.Operation, unless_there=True)
        second = operation(group, owner="second")

        with transaction.atomic():
            assert insert.run([second]) == 0
            models.Group.objects.update(name="goes on")

        assert list(models.Operation.objects.values()) == [before]
        assert second._state.adding
        assert row(models.Group, pk=group.pk)["name"] == "goes on"

    def test_writes_what_is_not_there(self, group):
        insert = compiled.Insert(models.QuotaLimit, unless_there=True)
        limits = [models.QuotaLimit(scope=PROJECT, owner="shop", resource=name, limit=1) for name in ("a", "b", "a")]

        assert insert.run(limits) == 2
        assert sorted(models.QuotaLimit.objects.values_list("resource", flat=True)) == ["a", "b"]

    def test_still_refuses_what_is_nonsense(self, group):
        with pytest.raises(IntegrityError), transaction.atomic():
            compiled.Insert(models.Operation, unless_there=True).run([operation(group, state="fine")])


class TestAnInsertWhereAChangeFindsItsRow(Volumes):
    @pytest.fixture
    def owned(self) -> compiled.Update:
        return compiled.Update(
            lambda: (models.Operation.objects.filter(pk=slot("pk"), fence=slot("fence")), {"step": slot("step")})
        )

    @pytest.fixture
    def steps(self) -> compiled.Insert[models.OperationStep]:
        return compiled.Insert(models.OperationStep, over=("state", "result"))

    def test_writes_both(self, group, owned, steps):
        done = operation(group, fence=3)
        done.save()
        rows = [models.OperationStep(operation=done, position=0, name=name, result=AWKWARD) for name in ("a", "b")]

        assert steps.run_where(owned, rows, pk=done.pk, fence=3, step="a") is True

        assert row(models.Operation, pk=done.pk)["step"] == "a"
        assert {each.name: each.result for each in models.OperationStep.objects.all()} == {"a": AWKWARD, "b": AWKWARD}
        assert not any(each._state.adding for each in rows)

    def test_writes_over_rows_that_exist(self, group, owned, steps):
        done = operation(group, fence=3)
        done.save()
        step = models.OperationStep.objects.create(operation=done, position=0, name="a")
        step.state, step.name = StepState.RUNNING, "not named"

        assert steps.run_where(owned, [step], pk=done.pk, fence=3, step="a") is True

        found = row(models.OperationStep, pk=step.pk)
        assert (found["state"], found["name"]) == (StepState.RUNNING, "a")

    def test_writes_neither_when_nothing_is_found(self, group, owned, steps):
        done = operation(group, fence=3, step="before")
        done.save()
        rows = [models.OperationStep(operation=done, position=0, name="a")]

        assert steps.run_where(owned, rows, pk=done.pk, fence=2, step="a") is False

        assert row(models.Operation, pk=done.pk)["step"] == "before"
        assert not models.OperationStep.objects.exists()
        assert rows[0]._state.adding

    def test_changes_nothing_when_the_rows_may_not_be_written(self, group, owned, steps):
        done = operation(group, fence=3, step="before")
        done.save()
        twice = [models.OperationStep(operation=done, position=0, name="a") for _ in range(2)]

        with pytest.raises(IntegrityError), transaction.atomic():
            steps.run_where(owned, twice, pk=done.pk, fence=3, step="a")

        assert row(models.Operation, pk=done.pk)["step"] == "before"
        assert not models.OperationStep.objects.exists()


class TestADelete(Volumes):
    def test_takes_the_rows_that_are_found_and_no_other(self, group, volumes):
        gone = compiled.Delete(lambda: models.Volume.objects.filter(group_id=slot("group")).order_by("name"))

        assert gone.run(group=group.pk) == 1

        assert list(models.Volume.objects.all()) == [each for each in volumes if each.group_id is None]
        assert gone.run(group=group.pk) == 0
