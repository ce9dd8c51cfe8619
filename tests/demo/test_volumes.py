"""The demo's comparison of bytes notices what it should."""

from __future__ import annotations

import pytest

from demo import volumes


@pytest.fixture
def blocks():
    return dict(volumes._data("first", size=4 * volumes.BLOCK, within=64 * volumes.BLOCK))


def test_the_same_label_gives_the_same_data(blocks):
    again = dict(volumes._data("first", size=4 * volumes.BLOCK, within=64 * volumes.BLOCK))

    assert again == blocks
    assert len(blocks) == 4


def test_blocks_of_zeros_do_not_count(blocks):
    with_zeros = {**blocks, 1 << 40: bytes(volumes.BLOCK)}

    assert volumes._digest(with_zeros) == volumes._digest(blocks)


def test_one_changed_byte_is_noticed(blocks):
    offset = next(iter(blocks))
    changed = {**blocks, offset: bytes([blocks[offset][0] ^ 1]) + blocks[offset][1:]}

    assert volumes._digest(changed) != volumes._digest(blocks)


def test_a_block_in_the_wrong_place_is_noticed(blocks):
    offset = max(blocks)
    moved = {(place + volumes.BLOCK if place == offset else place): data for place, data in blocks.items()}

    assert volumes._digest(moved) != volumes._digest(blocks)


def test_holes_are_not_read():
    extents = [(0, volumes.BLOCK, 0), (volumes.BLOCK, 8 * volumes.BLOCK, 3), (9 * volumes.BLOCK, 10, 0)]

    assert volumes._allocated(extents) == {0, 9 * volumes.BLOCK}
