"""The environment as a source of settings: a variable holds what a flag of that name would.

BESTOFN_SELECTOR=vote                                 a bare word is a name
BESTOFN_SELECTOR='{weighted_vote: {temperature: 0.5}}'   JSON, or YAML in braces
BESTOFN_STOP__RULE=agreement                          one option of a section
"""

from __future__ import annotations

import json
from typing import Any

import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from bestofn.core.errors import ConfigError


class Environment(EnvSettingsSource):
    """Variables of the environment, by the settings' prefix.

    Of a section or a list `pydantic-settings` takes JSON alone; here a text that does not begin as
    one is left to the section, which knows what it stands for.
    """

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """What a variable of a section or a list says.

        Raises:
            ConfigError: it begins as JSON and is none.
        """
        if not str(value).lstrip().startswith(("{", "[")):
            return value
        try:
            return json.loads(value)
        except ValueError:
            pass
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError as error:
            why = " ".join(str(error).split())
            raise ConfigError(
                f"{self._called(field_name)}: neither JSON nor YAML: {why}"
            ) from error

    def prepare_field_value(
        self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool
    ) -> Any:
        """The value of a field.

        Raises:
            ConfigError: a variable of the whole section is a text, and others name its options.
        """
        made = super().prepare_field_value(field_name, field, value, value_is_complex)
        if isinstance(made, str) and self.explode_env_vars(field_name, field, self.env_vars):
            name = self._called(field_name)
            raise ConfigError(f"{name} is a text, so no {name}__... can say more of it: choose one")
        return made

    def _called(self, field_name: str) -> str:
        return f"{self.env_prefix}{field_name}".upper()
