"""The environment as a source of settings: a variable holds what a flag of that name would.

BESTOFN_SELECTOR=vote                                 a bare word is a name
BESTOFN_SELECTOR='{weighted_vote: {temperature: 0.5}}'   JSON, or YAML in braces
BESTOFN_STOP__RULE=agreement                          one option of a section

A variable that begins with the prefix and that nobody reads is an error, as an unknown key of a
file is: a name with a mistake in it would otherwise leave the default in silence.
"""

from __future__ import annotations

from typing import Any

import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from bestofn.core.errors import ConfigError
from bestofn.settings.nearest import nearest_setting
from bestofn.settings.variables import OTHERS, is_service_link
from bestofn.settings.yaml_values import told, written


class Environment(EnvSettingsSource):
    """Variables of the environment, by the settings' prefix.

    Of a section or a list `pydantic-settings` takes JSON alone; here a text that does not begin as
    one is left to the section, which knows what it stands for.
    """

    def __call__(self) -> dict[str, Any]:
        """What the variables say.

        Raises:
            ConfigError: one has no meaning, or no name that anybody knows.
        """
        unknown = [name for name in self.env_vars if self._is_unknown(name)]
        if unknown:
            raise ConfigError("; ".join(map(self._refusal, sorted(unknown))))
        return super().__call__()

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """What a variable of a section or a list says.

        Raises:
            ConfigError: it begins as JSON and is none.
        """
        if not str(value).lstrip().startswith(("{", "[")):
            return value
        try:
            return written(value)
        except yaml.YAMLError as error:
            # of an option of a section, `field_name` is the option's alone
            variables = (name.upper() for name, said in self.env_vars.items() if said == value)
            variable = next(variables, self._called(field_name))
            raise ConfigError(f"{variable}: neither JSON nor YAML: {told(error)}") from error

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

    def _is_unknown(self, variable: str) -> bool:
        """Whether nobody reads it. What is wrong within a section is said by the section."""
        prefix = self.env_prefix.lower()
        if not variable.lower().startswith(prefix):
            return False
        name = variable[len(prefix) :]
        head, nested, _ = name.lower().partition(self.env_nested_delimiter or "__")
        field = self.settings_cls.model_fields.get(head)
        if field is not None:
            return bool(nested) and not self.field_is_complex(field)
        return name.upper() not in OTHERS and not is_service_link(
            name.upper(), self.env_vars[variable]
        )

    def _refusal(self, variable: str) -> str:
        delimiter = self.env_nested_delimiter or "__"
        path = variable[len(self.env_prefix) :].lower().replace(delimiter, ".")
        head = path.partition(".")[0]
        near: str | None = head  # a setting without options of its own
        if head not in self.settings_cls.model_fields:
            near = nearest_setting(self.settings_cls, path, [each.lower() for each in OTHERS])
        meant = "" if near is None else f"; did you mean {self._variable_of(near)}?"
        return f"{variable.upper()}: there is no such variable{meant}"

    def _variable_of(self, setting: str) -> str:
        delimiter = self.env_nested_delimiter or "__"
        return self._called(setting.replace(".", delimiter))

    def _called(self, field_name: str) -> str:
        return f"{self.env_prefix}{field_name}".upper()
