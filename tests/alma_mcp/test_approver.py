import resource

import pytest

from alma_mcp.approval.approver import Approver
from alma_mcp.errors import HomeUnusable, NotApprovable
from alma_mcp.ledger.signatures import signature_holds


def test_the_key_opens_with_its_passphrase_alone_and_is_its_owners(tmp_path):
    path = tmp_path / "approver.pem"
    made = Approver.create(path, "correct horse")
    assert Approver.unlock(path, "correct horse").public_key == made.public_key
    assert path.stat().st_mode & 0o077 == 0
    assert b"ENCRYPTED" in path.read_bytes()
    for wrong in ("wrong horse", ""):
        with pytest.raises(NotApprovable, match="wrong"):
            Approver.unlock(path, wrong)


def test_a_short_passphrase_and_a_second_key_are_refused(tmp_path):
    with pytest.raises(NotApprovable, match="at least 8"):
        Approver.create(tmp_path / "a.pem", "short")
    Approver.create(tmp_path / "a.pem", "long enough")
    with pytest.raises(NotApprovable, match="already"):
        Approver.create(tmp_path / "a.pem", "long enough")


def test_a_signature_holds_for_its_bytes_and_its_key_alone(tmp_path):
    mine = Approver.create(tmp_path / "mine.pem", "correct horse")
    other = Approver.create(tmp_path / "other.pem", "battery staple")
    signature = mine.sign(b"row")
    assert signature_holds(mine.public_key, signature, b"row")
    assert not signature_holds(mine.public_key, signature, b"another row")
    assert not signature_holds(other.public_key, signature, b"row")
    for nonsense in ("", "!", "AAAA", "\u202e"):
        assert not signature_holds(mine.public_key, nonsense, b"row")
        assert not signature_holds(nonsense, signature, b"row")


def test_a_planted_link_is_followed_neither_for_reading_nor_for_writing(tmp_path):
    target = tmp_path / "elsewhere.pem"
    Approver.create(target, "correct horse")
    link = tmp_path / "approver.pem"
    link.symlink_to(target)
    with pytest.raises(HomeUnusable, match="Cannot read"):
        Approver.unlock(link, "correct horse")
    dangling = tmp_path / "dangling.pem"
    dangling.symlink_to(tmp_path / "planted.pem")
    with pytest.raises(NotApprovable, match="already"):
        Approver.create(dangling, "correct horse")
    assert not (tmp_path / "planted.pem").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_told(tmp_path, content):
    path = tmp_path / "approver.pem"
    path.write_bytes(content)
    with pytest.raises(NotApprovable, match="damaged"):
        Approver.unlock(path, "correct horse")


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(HomeUnusable, match="Cannot keep"):
        Approver.create(tmp_path / "nowhere" / "approver.pem", "correct horse")


def test_a_disk_that_takes_no_more_leaves_no_half_key(tmp_path):
    path = tmp_path / "approver.pem"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(HomeUnusable, match="Cannot keep"):
            Approver.create(path, "correct horse")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not path.exists()
