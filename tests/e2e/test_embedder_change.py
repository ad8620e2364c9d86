"""Another embedder in a running person's home: the real engine, sandbox and model."""

import asyncio
import json
import shutil

from alma_mcp.control import control
from alma_mcp.design_store import bundled_designs
from alma_mcp.models import find_model


async def test_another_embedder_rebuilds_the_memory_while_it_answers(machine, say, tmp_path):
    files, folder = find_model(), tmp_path / "mine"
    folder.mkdir()
    shutil.copy(files.weights, folder / "model.onnx")
    shutil.copy(files.tokenizer, folder / "vocab.txt")
    machine.home.settings.write_text('embedder = "onnx"\n')
    async with machine.client() as client:
        for number in range(20):
            await client.call_tool("update", {"text": f"Note {number}: the program dies when disk {number} is full."})
        found = say(await client.call_tool("retrieve", {"query": "application terminates, no storage space left"}))
        assert "the program dies" in found
    machine.command("stop")
    machine.home.settings.write_text(f'embedder = "onnx:{folder}"\n')
    async with machine.client() as client, control(machine.home) as asked:
        async with asyncio.timeout(60):
            while record(machine).get("identity", "").partition(" ")[0] != "mine":
                found = say(await client.call_tool("retrieve", {"query": "application terminates, no storage left"}))
                assert "the program dies" in found
                assert "not answering" not in found
        status = await asked.request("status", {})
        assert status["embedder"] == "mine, ready"
        assert (status["quarantined"], status["swap"]) == (0, None)
        found = say(await client.call_tool("retrieve", {"query": "application terminates, no storage space left"}))
        assert "the program dies" in found


def record(machine) -> dict:
    """What the generation that serves was built with; empty while the old one does."""
    folder = machine.home.projections / bundled_designs()["hybrid"].short
    served = [json.loads(path.read_text()) for path in folder.glob("*/embedder.json")]
    return served[0] if len(served) == 1 and served[0]["served"] else {}


async def test_without_a_model_memory_works_by_words_and_is_filled_when_one_appears(machine, say, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    machine.home.settings.write_text(f'embedder = "onnx:{folder}"\n')
    async with machine.client() as client, control(machine.home) as asked:
        await client.call_tool("update", {"text": "The program dies when the disk is full."})
        assert "program dies" in say(await client.call_tool("retrieve", {"query": "why does the program end?"}))
        told = say(await client.call_tool("status", {}))
        assert "mine is unavailable, memory works by words" in told
        assert f"{folder} must hold model.onnx and tokenizer.json or vocab.txt" in told
        files = find_model()
        shutil.copy(files.tokenizer, folder / "vocab.txt")
        shutil.copy(files.weights, folder / "model.part")
        (folder / "model.part").rename(folder / "model.onnx")
        async with asyncio.timeout(60):
            while not record(machine).get("identity") or record(machine)["waiting"]:
                await asyncio.sleep(0.1)
        assert (await asked.request("status", {}))["embedder"] == "mine, ready"
        found = say(await client.call_tool("retrieve", {"query": "application terminates, no storage space left"}))
        assert "program dies" in found
