import hashlib
import os

import pytest

from engine.errors import BadInput, Conflict, NotFound, PayloadTooLarge, StoreFull
from engine.settings import StoreSettings
from store.artefacts import Artefacts

CONTENT = b"a report\n" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def artefacts(home):
    return Artefacts(home.artefacts, StoreSettings(artefact_bytes=1000, artefact_quota_bytes=2000))


def upload(artefacts, content, name="u1", size=100):
    for start in range(0, len(content), size):
        artefacts.append(name, start, content[start : start + size])


def test_an_upload_in_pieces_becomes_one_file_under_its_hash(artefacts, home):
    upload(artefacts, CONTENT)
    path = artefacts.finish("u1", SHA256)
    assert path == artefacts.path_of(SHA256)
    assert path.read_bytes() == CONTENT
    assert path.parent.name == SHA256[:2]
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(artefacts.kept()) == [path]
    assert artefacts.uploaded("u1") == 0


def test_the_same_content_is_kept_once(artefacts):
    assert artefacts.add(CONTENT) == artefacts.add(CONTENT) == SHA256
    upload(artefacts, CONTENT)
    artefacts.finish("u1", SHA256)
    assert len(list(artefacts.kept())) == 1
    assert artefacts.used_bytes() == len(CONTENT)


def test_a_chunk_that_was_sent_twice_does_no_harm(artefacts):
    assert artefacts.append("u1", 0, b"one") == 3
    assert artefacts.append("u1", 0, b"one") == 3
    assert artefacts.append("u1", 3, b"two") == 6
    assert artefacts.append("u1", 3, b"two") == 6


@pytest.mark.parametrize("offset", [1, 4, 99])
def test_a_chunk_that_does_not_join_is_told_where_to_go_on(artefacts, offset):
    artefacts.append("u1", 0, b"one")
    with pytest.raises(Conflict) as refusal:
        artefacts.append("u1", offset, b"more")
    assert refusal.value.facts["size_bytes"] == 3


def test_an_upload_goes_on_after_a_restart(artefacts, home):
    artefacts.append("u1", 0, CONTENT[:500])
    again = Artefacts(home.artefacts, StoreSettings())
    assert again.uploaded("u1") == 500
    again.append("u1", 500, CONTENT[500:])
    again.finish("u1", SHA256)


def test_content_that_is_not_what_it_claims_is_dropped(artefacts):
    artefacts.append("u1", 0, b"something else")
    with pytest.raises(BadInput):
        artefacts.finish("u1", SHA256)
    assert artefacts.uploaded("u1") == 0
    assert list(artefacts.kept()) == []


def test_only_an_upload_that_was_begun_can_be_finished(artefacts):
    with pytest.raises(NotFound):
        artefacts.finish("u1", SHA256)


def test_a_file_that_is_too_large_is_refused_with_the_setting_to_raise(artefacts):
    with pytest.raises(PayloadTooLarge) as refusal:
        upload(artefacts, b"x" * 1001)
    assert "store.artefact_bytes" in refusal.value.remedy
    assert artefacts.uploaded("u1") == 1000


def test_the_quota_counts_all_files_and_uploads(artefacts):
    artefacts.add(b"a" * 900)
    artefacts.append("u1", 0, b"b" * 900)
    with pytest.raises(StoreFull) as refusal:
        artefacts.append("u2", 0, b"c" * 300)
    assert "store.artefact_quota_bytes" in refusal.value.remedy


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "x" * 65])
def test_an_upload_cannot_leave_its_directory(artefacts, name):
    with pytest.raises(BadInput):
        artefacts.append(name, 0, b"x")


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "g" * 64, "a" * 63, "A" * 64])
def test_a_path_is_made_of_a_hash_only(artefacts, sha256):
    with pytest.raises(BadInput):
        artefacts.path_of(sha256)


def test_removed_files_are_gone_and_can_be_removed_again(artefacts, home):
    artefacts.add(CONTENT)
    restarted = Artefacts(home.artefacts, StoreSettings())
    restarted.remove([SHA256])
    restarted.remove([SHA256])
    assert list(artefacts.kept()) == []


def test_retention_does_not_take_a_file_that_was_just_added_once_more(artefacts, home):
    artefacts.add(CONTENT)
    restarted = Artefacts(home.artefacts, StoreSettings())
    restarted.add(CONTENT)
    restarted.remove([SHA256])
    assert restarted.path_of(SHA256).read_bytes() == CONTENT


def test_abandoned_uploads_are_found_by_their_age(artefacts, home):
    artefacts.append("old", 0, b"x")
    artefacts.append("young", 0, b"x")
    os.utime(home.artefacts / "incoming" / "old", (100, 100))
    assert [path.name for path in artefacts.abandoned(101_000_000)] == ["old"]
