"""Small games made inside the image of the family `alfworld`: nothing is taken from any data set."""

from pathlib import Path

from alma_mcp.hosts.docker_daemon import connect, docker_answers, remove
from evolve.environments.images import image_name, is_built

TEXTWORLD = "textworld/small.z8"
ALFWORLD = "alfworld/kitchen/game.tw-pddl"
KITCHEN = Path(__file__).with_name("kitchen.pddl")
MINUTES = 5
# In: the folder to write to, the problem. ALFWorld's wheel has the rules and the grammar.
MAKE = """
import importlib.resources, json, pathlib, subprocess, sys
games, problem = pathlib.Path(sys.argv[1]), sys.argv[2]
subprocess.run(
    ["/opt/env/bin/tw-make", "custom", "--world-size", "3", "--nb-objects", "4", "--quest-length", "3", "--seed", "7",
     "--output", str(games / "textworld" / "small.z8")], check=True)
shipped = importlib.resources.files("alfworld") / "data"
grammar = (shipped / "alfred.twl2").read_text().replace("UNKNOWN GOAL", "put a mug on the diningtable")
game = {"pddl_domain": (shipped / "alfred.pddl").read_text(), "grammar": grammar, "pddl_problem": problem}
place = games / "alfworld" / "kitchen"
place.mkdir(parents=True)
(place / "game.tw-pddl").write_text(json.dumps(game))
"""


def why_not_playable() -> str:
    """Why nothing can be played in this family's image here; empty if it can."""
    if not docker_answers():
        return "no Docker daemon answers"
    return "" if is_built("alfworld") else "`alma-evolve images build alfworld` has not been run"


def make_games(folder: Path) -> None:
    """Make both games below a folder, in a container without network. Takes some ten seconds."""
    folder.chmod(0o777)
    client = connect()
    try:
        container = client.create_container(
            image_name("alfworld"),
            ["/opt/env/bin/python", "-B", "-c", MAKE, "/made", KITCHEN.read_text()],
            environment={"HOME": "/tmp"},
            host_config=client.create_host_config(
                network_mode="none", tmpfs={"/tmp": "exec,size=256m"}, binds={str(folder): {"bind": "/made"}}
            ),
        )["Id"]
        try:
            client.start(container)
            ended = client.wait(container, timeout=60 * MINUTES)
            assert ended["StatusCode"] == 0, client.logs(container).decode()
        finally:
            remove(client, container)
    finally:
        client.close()
