"""Contains what a spec says about environment variables: values in clear, and secrets by reference."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from slipway.spec.custom.clear import is_secret
from slipway.values.quantities import kind_of, line_of_text, refusal
from slipway.values.section import Section

VARIABLES_MOST = 64
VALUE_MOST = 4096
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
MODEL_PATH = "MODEL_PATH"
PORT = "PORT"
CLEAR, SECRET = "[step clear]", "[step secret]"
"""Which of the two a value is; findings leave such parts out of a path."""
_OURS = (MODEL_PATH, PORT)
_OURS_BEGIN = ("SLIPWAY_", "KUBERNETES_")
_LOADING = re.compile(
    r"LD_\w+|DYLD_\w+|GLIBC_TUNABLES|GCONV_PATH|PATH|IFS|ENV|BASH_ENV|BASH_FUNC\w*|PS4|SHELLOPTS|SHELL|BROWSER|PAGER|EDITOR|"
    r"PYTHON(?:PATH|HOME|STARTUP|WARNINGS|INSPECT|BREAKPOINT|USERBASE|EXECUTABLE|PLATLIBDIR|PYCACHEPREFIX)|"
    r"NODE_OPTIONS|NODE_PATH|PERL5\w*|PERLLIB|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|"
    r"CLASSPATH|LUA_\w+|R_PROFILE\w*|R_ENVIRON\w*|PHPRC|PHP_INI_SCAN_DIR|GIT_\w+|OPENSSL_CONF|OPENSSL_ENGINES",
    re.IGNORECASE,
)
"""Variables by which a program is told to run other code. A release that is restored from the cluster may say others
than the spec; of these it has none, so that whoever may write its record cannot have it run what they like."""
_NAME_ALLOWED = "letters, digits and '_', no digit first, at most 128"


def loads_code(name: str) -> bool:
    """Whether a variable tells a program to run other code than its own."""
    return _LOADING.fullmatch(name) is not None


def is_ours(name: str) -> bool:
    """Whether a variable is set by Slipway or by Kubernetes."""
    return name in _OURS or name.upper().startswith(_OURS_BEGIN)


def _name(value: object) -> str:
    text = line_of_text(128, "LANG")(value)
    if not _NAME.fullmatch(text):
        better = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").upper() or "LANG"
        better = better if _NAME.fullmatch(better) else "LANG"
        raise refusal("is not the name of a variable", _NAME_ALLOWED, f"write for example {better}")
    if is_ours(text):
        problem = "is set by Slipway or Kubernetes"
        raise refusal(problem, f"other names than {', '.join(_OURS)} and {'..., '.join(_OURS_BEGIN)}...", "rename it")
    if loads_code(text):
        todo = f"write ENV {text}=... into the Dockerfile of the image"
        raise refusal("makes programs run other code", "variables that the program itself reads", todo)
    return text


def _of_a_secret(value: object) -> str:
    if not isinstance(value, str) or len(value) > 253 or not _OBJECT_NAME.fullmatch(value):
        problem = "is not the name of a Secret (what was written is not shown: it may be a secret itself)"
        allowed = "the name of a Secret in the namespace, never its content"
        raise refusal(problem, allowed, "make one with kubectl create secret, and write its name", hidden=True)
    return value


def _key(value: object) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        problem = "is not the key of a Secret (what was written is not shown: it may be a secret itself)"
        todo = "write what kubectl describe secret shows"
        raise refusal(problem, "letters, digits, '-', '_' and '.', at most 253", todo, hidden=True)
    return value


class SecretKey(Section):
    """One value of a Secret in the namespace of the model."""

    secret: Annotated[str, BeforeValidator(_of_a_secret), WithJsonSchema({"type": "string", "maxLength": 253})] = Field(
        description="Name of the Secret, which somebody makes in the model's namespace.", examples=["hf-token"]
    )
    key: Annotated[str, BeforeValidator(_key), WithJsonSchema({"type": "string", "maxLength": 253})] | None = Field(
        default=None, description="The key in it; the variable's own name when left out.", examples=["token"]
    )


def _text(value: object) -> str:
    """A value in clear: text; what else YAML makes of a value needs quotes."""
    allowed = "text in clear, or {secret: NAME, key: KEY}"
    if not isinstance(value, str):
        todo = 'write "" for an empty value' if value is None else "write it in quotes"
        raise refusal(f"is {kind_of(value)}, not text", allowed, todo)
    if len(value) > VALUE_MOST or "\0" in value:
        problem = f"has {len(value)} characters" if len(value) > VALUE_MOST else "has the character NUL"
        todo = "write it into a file of the image"
        raise refusal(f"{problem} (they are not shown)", f"{VALUE_MOST} characters at most", todo, hidden=True)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refusal("is not UTF-8", "text in UTF-8", "correct it", hidden=True) from None
    return value


def _no_secret_in_clear(variables: dict[str, Any]) -> dict[str, Any]:
    if len(variables) > VARIABLES_MOST:
        todo = "put them into a file of the image"
        raise refusal(f"has {len(variables)} variables", f"{VARIABLES_MOST} at most", todo, hidden=True)
    for name, value in variables.items():
        if isinstance(value, str) and is_secret(name, value):
            problem = "seems to be a secret in clear (it is not shown)"
            allowed = "secrets by reference: {secret: NAME, key: KEY}"
            todo = (
                f"make a Secret with kubectl create secret, and write {name}: {{secret: NAME, key: KEY}}; take this "
                "one for known, since it stood in a file; rename the variable if it is none"
            )
            raise refusal(problem, allowed, todo, (name,), hidden=True)
    return variables


VariableName = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})
]
"""The name of an environment variable that a spec may set."""


def _form(value: object) -> str:
    return SECRET if isinstance(value, dict | SecretKey) else CLEAR


Clear = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string", "maxLength": VALUE_MOST})]
"""A value that everybody may read who may read the spec."""
Variables = Annotated[
    dict[
        VariableName,
        Annotated[Annotated[Clear, Tag(CLEAR)] | Annotated[SecretKey, Tag(SECRET)], Discriminator(_form)],
    ],
    AfterValidator(_no_secret_in_clear),
]
"""Environment variables by name: text in clear, or a key of a Secret."""

Arguments = Annotated[
    dict[
        Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})],
        Clear,
    ],
    AfterValidator(_no_secret_in_clear),
]
"""Arguments of a build, which everybody can read who has the image."""
