"""Files about addresses are read again when they have changed."""

import os
from pathlib import Path

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.geo_reload import GeoReloader
from edgeward.edge.settings import GeoFiles


class Agent(EdgeAgent):
    def __init__(self) -> None:
        self.reloads = 0
        self.problem = ""

    def reload_geo(self) -> None:
        self.reloads += 1
        if self.problem:
            raise ValueError(self.problem)


def test_a_changed_file_is_read_once_and_one_that_is_wrong_is_told_of_once(tmp_path: Path) -> None:
    path, agent, said = tmp_path / "country.mmdb", Agent(), list[str]()
    path.write_text("first")
    reloader = GeoReloader(agent, GeoFiles(country=(path,)), said.append)

    reloader.look()
    assert (agent.reloads, said) == (0, [])

    path.write_text("second")
    reloader.look()
    reloader.look()
    assert (agent.reloads, said) == (1, ["Data about addresses were read again."])

    agent.problem = "geo: cut short"
    os.utime(path, ns=(1, 1))
    reloader.look()
    path.unlink()
    reloader.look()
    reloader.look()
    assert agent.reloads == 3
    assert said[1:] == ["Data about addresses stay as they were: geo: cut short"] * 2


def test_without_files_there_is_nothing_to_read() -> None:
    agent = Agent()
    GeoReloader(agent, GeoFiles(), print).look()
    assert agent.reloads == 0
