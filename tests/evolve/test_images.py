"""Images are named by what they are built from, and built as a user asks, or refused with a sentence."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from alma_mcp.command_line import run_group
from alma_mcp.errors import HostError, NoSandbox
from alma_mcp.hosts.docker_daemon import connect, docker_answers
from evolve.commands.images import images as images_command
from evolve.environments import images
from evolve.environments.images import build, family_of, image_name, inspect, is_built

NO_DOCKER = "" if docker_answers() else "no Docker daemon answers"
needs_docker = pytest.mark.skipif(bool(NO_DOCKER), reason=NO_DOCKER)
RECIPE = """ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY . /all/
"""


@pytest.fixture
def contexts(tmp_path, monkeypatch):
    """Recipes of images that hold their context and nothing else, so that a build takes a moment."""
    for family in ("alfworld", "balrog"):
        folder = tmp_path / "envs_docker" / family
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(f"# made for a test: {tmp_path}\n{RECIPE}")
        (folder / "requirements.txt").write_text("")
        (folder / "env.py").write_text(f"family = {family!r}\n")
    (tmp_path / "envs_docker" / "lines.py").write_text("")
    monkeypatch.setattr(images, "CONTEXTS", tmp_path / "envs_docker")
    return tmp_path / "envs_docker"


@pytest.fixture
def built(contexts):
    """Removes what was built."""
    yield contexts
    client = connect()
    for family in ("alfworld", "balrog"):
        if client.images(name=image_name(family)):
            client.remove_image(image_name(family), force=True)
    client.close()


@pytest.fixture
def levels(tmp_path):
    folder = tmp_path / "levels"
    (folder / "easy").mkdir(parents=True)
    (folder / "easy" / "1.txt").write_text("#.@$")
    return folder


@pytest.mark.parametrize(
    ("name", "family"), [("textworld", "alfworld"), ("alfworld", "alfworld"), ("minihack", "balrog"), ("chess", None)]
)
def test_a_domain_or_a_family_names_an_image(name, family):
    assert family_of(name) == family


@pytest.mark.parametrize("changed", ["alfworld/Dockerfile", "alfworld/requirements.txt", "alfworld/env.py", "lines.py"])
def test_another_content_is_another_image(contexts, changed):
    before, other = image_name("alfworld"), image_name("balrog")
    (contexts / changed).write_text("changed\n")
    assert image_name("alfworld") != before
    assert (image_name("balrog") != other) == (changed == "lines.py")


def test_continuous_integration_names_the_images_the_same_way():
    script = Path(__file__).parents[2] / ".ci" / "docker.sh"
    order = 'files=("${folder}Dockerfile" "${folder}requirements.txt" "$folder"*.py envs_docker/lines.py)'
    assert order in script.read_text()
    folder = "envs_docker/alfworld/"
    hashing = f'LC_ALL=C; folder={folder}; {order}; cat "${{files[@]}}" | sha256sum | cut -c1-12'
    said = subprocess.run(["bash", "-c", hashing], cwd=script.parents[1], capture_output=True, text=True, check=True)
    assert image_name("alfworld") == f"alma-mcp-env-alfworld:{said.stdout.strip()}"


@needs_docker
def test_an_image_is_built_from_the_code_the_wheels_and_what_the_user_supplies(built, levels, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "some-1.0-py3-none-any.whl").write_text("")
    assert not is_built("balrog")
    lines = []
    build("balrog", wheels=wheels, extras={"boxoban_levels": levels}, progress=lines.append)
    assert is_built("balrog")
    assert any(line.startswith("Step 1/") for line in lines)
    found = inspect("balrog")
    assert found.size > 0
    assert list(found.extras) == ["boxoban_levels"]
    assert files_in(image_name("balrog")) >= {
        "all/env.py", "all/lines.py", "all/extras.json", "all/boxoban_levels/easy/1.txt",
        "all/wheels/some-1.0-py3-none-any.whl",
    }  # fmt: skip


@needs_docker
def test_what_is_supplied_is_told_apart_by_its_content(built, levels):
    build("balrog", extras={"boxoban_levels": levels})
    before = inspect("balrog").extras["boxoban_levels"]
    (levels / "easy" / "1.txt").write_text("#..@$")
    build("balrog", extras={"boxoban_levels": levels})
    assert inspect("balrog").extras["boxoban_levels"] != before


@needs_docker
def test_a_build_that_fails_says_so_and_names_the_recipe(built):
    (built / "alfworld" / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    with pytest.raises(HostError, match=r"cannot be built.*see envs_docker/alfworld/Dockerfile"):
        build("alfworld")


def test_folders_that_are_not_what_they_should_be_are_refused(contexts, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(HostError, match="no wheels in"):
        build("alfworld", wheels=empty)
    with pytest.raises(HostError, match="no files in"):
        build("balrog", extras={"boxoban_levels": empty})
    with pytest.raises(HostError, match="takes no boxoban_levels"):
        build("alfworld", extras={"boxoban_levels": empty})


def test_where_no_daemon_answers_that_is_said(contexts, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(NoSandbox, match="No Docker daemon answers"):
        is_built("alfworld")


@needs_docker
def test_the_commands_build_what_is_missing_and_list_it(built, levels):
    before = invoke("list")
    assert "alma-evolve images build balrog" in before.stdout
    made = invoke("build", "minihack", "--boxoban", str(levels))
    assert f"{image_name('balrog')} is built, for babaisai and minihack." in made.stdout
    assert "Step 1/" in made.stderr
    after = invoke("list")
    assert image_name("balrog") in after.stdout
    assert "boxoban_levels" in after.stdout
    assert "alma-evolve images build balrog" not in after.stdout
    assert "alma-evolve images build alfworld" in after.stdout
    assert image_name("alfworld") not in invoke("list", "minihack").stdout


@needs_docker
def test_a_failed_build_shows_its_last_lines_and_one_sentence(built, capsys):
    (built / "alfworld" / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    assert run_group(images_command, "images", ["build", "alfworld"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert any("COPY nothing /" in line for line in said)
    assert said[-1].startswith("images: The image alma-mcp-env-alfworld:")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["build", "chess"], "There is no domain or family 'chess'; there are: alfworld, textworld"),
        (["build", "textworld", "--boxoban", "."], "has no use for --boxoban; leave it out."),
    ],
)
def test_a_mistake_is_one_sentence(arguments, sentence, capsys):
    assert run_group(images_command, "images", arguments) == 1
    assert sentence in capsys.readouterr().err


def invoke(*arguments):
    result = CliRunner().invoke(images_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def files_in(image):
    client = connect()
    container = client.create_container(image, ["none"])["Id"]
    try:
        listed = subprocess.run(
            ["tar", "-t"], input=b"".join(client.export(container)), capture_output=True, check=True
        )
    finally:
        client.remove_container(container)
        client.close()
    return set(listed.stdout.decode().split())
