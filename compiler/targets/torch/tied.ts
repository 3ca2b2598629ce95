/** The functions by which a loss calls a model's weights in another way than the model does, in Python. */

/** Their names, as the text defines them; losses call the first. */
export const tiedNames = ["tied", "tie", "alike"] as const;

/** The text with other names for them. */
export function tiedAs(nameOf: (name: string) => string): string {
  return tiedText.replace(new RegExp(`\\b(?:${tiedNames.join("|")})(?=\\()`, "g"), nameOf);
}

/**
 * A module that is called with other arguments reads the model's very dictionaries of parameters and hooks: what wrappers such as FSDP2
 * put there later holds for it too. It is registered nowhere, so that nobody finds its weights twice.
 */
const tiedText = `def tied(module: nn.Module, model: nn.Module, path: str) -> Callable:
    """The call of a module that reads the weights which the model has at its
    path. What the model lacks there becomes part of it."""
    *levels, name = path.split(".")
    for level in levels:
        model = model._modules.setdefault(level, nn.ModuleDict())
    own = model._modules.setdefault(name, module) if name else model
    return tie(module, own).__call__


def tie(module: nn.Module, other: nn.Module) -> nn.Module:
    """A module with the weights and hooks of another; of those within it, the
    other's own where they are alike."""
    if alike(module, other):
        return other
    for name, child in module._modules.items():
        own = other._modules.setdefault(name, child)
        module._modules[name] = tie(child, own)
    for name, weight in module._parameters.items():
        own = other._parameters.setdefault(name, weight)
        if (own is None) != (weight is None):
            a, b = ("loss", "model") if own is None else ("model", "loss")
            raise ValueError(f"the {a} has a {name} that the {b} lacks "
                             f"in {other}: they cannot share its weights")
    for name, value in vars(other).items():
        if name == "_parameters" or "_hooks" in name:
            vars(module)[name] = value
    return module


def alike(module: nn.Module, other: nn.Module) -> bool:
    """Whether nothing but their weights tells two modules apart."""
    inner, plain = module._modules, vars(nn.Module())
    said = [{name: value for name, value in vars(one).items()
             if name not in plain} for one in (module, other)]
    absent = [[name for name, value in one._parameters.items()
               if value is None] for one in (module, other)]
    return (
        type(module) is type(other)
        and said[0] == said[1]
        and absent[0] == absent[1]
        and inner.keys() == other._modules.keys()
        and all(alike(inner[name], other._modules[name]) for name in inner)
    )`;
