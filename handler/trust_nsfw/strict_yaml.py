"""YAML for configuration: the safe subset, and a repeated key is an error instead of a silent overwrite."""

from pathlib import Path
from typing import Any

import yaml


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} appears twice", node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep)


def load(file: Path) -> Any:
    """Read one YAML document; raises ValueError with one line saying what is wrong and where."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{file}{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: a date or number that is none
        raise ValueError(f"{file} is not YAML: {error}") from None
    except RecursionError:
        raise ValueError(f"{file} is nested too deep") from None
