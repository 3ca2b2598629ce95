/** What stands around the model in its file: imports, the reading of weights, and a run on random inputs. */

import type { ModelCode } from "../../module/code.ts";
import { broken } from "./broken.ts";
import { mostColumns } from "./python.ts";
import { methodName } from "./write-model.ts";

/** What the text below it uses; `standard` are further lines that import from Python's own library. */
export function imports(text: string, standard: readonly string[] = []): string {
  const modules = ["json", "math", "sys"].filter((name) => new RegExp(`\\b${name}\\.`).test(text));
  const python = [...modules.map((name) => `import ${name}`), ...standard];
  const torch = /\btorch\./.test(text) ? ["import torch"] : [];
  const functional = /\bfn[.,]/.test(text) ? ["import torch.nn.functional as fn"] : [];
  return [...python, ...(python.length > 0 ? [""] : []), ...torch, ...functional, "from torch import Tensor, nn"].join("\n");
}

/** The functions behind the model; each its lines. */
export function ending(code: ModelCode, model: string): (readonly string[])[] {
  const dtype = code.precision === "f16" ? "torch.float16" : "torch.float32";
  const graphs = code.graphs.map(({ name, inputs }) => {
    const shapes = inputs.map((input) => `"${input.name}": (${input.shape.join(", ")}${input.shape.length === 1 ? "," : ""})`);
    const line = `    "${methodName(name)}": {${shapes.join(", ")}},`;
    return line.length <= mostColumns ? [line] : [`    "${methodName(name)}": {`, ...shapes.map((shape) => `        ${shape},`), "    },"];
  });
  const ids = new Map(
    code.graphs.flatMap(({ inputs }) => inputs.flatMap(({ name, dtype, ids }) => (dtype === "i32" ? [[name, ids ?? 2] as const] : []))),
  );
  return [
    `def read_safetensors(path: str) -> dict[str, Tensor]:
    """Tensors by their names: a header in JSON, and bytes."""
    names = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            (start, end), shape = entry["data_offsets"], entry["shape"]
            file.seek(8 + size + start)
            data = bytearray(file.read(end - start))
            dtype = getattr(torch, names[entry["dtype"]])
            tensors[name] = torch.frombuffer(data, dtype=dtype).view(shape)
    return tensors`.split("\n"),
    [
      ...broken(`def load(path: str, device="cpu", dtype=${dtype}) -> ${model}:`),
      '    """The model with the weights of a file of its own names."""',
      `    model = ${model}()`,
      "    model.load_state_dict(read_safetensors(path), strict=True)",
      "    return model.to(device, dtype).eval()",
    ],
    [
      "# What each graph takes at the sizes of this build, ids below a bound.",
      "INPUTS = {",
      ...graphs.flat(),
      "}",
      ...broken(`IDS = {${[...ids].map(([name, count]) => `"${name}": ${count}`).join(", ")}}`),
    ],
    [
      "def main() -> None:",
      '    """Each graph on random inputs, with the weights of a file or random."""',
      ...broken(`    model = load(sys.argv[1]) if sys.argv[1:] else ${model}()`),
      "    for graph, shapes in INPUTS.items():",
      "        inputs = [",
      "            torch.randint(IDS[name], shape) if name in IDS",
      "            else torch.randn(shape, dtype=next(model.parameters()).dtype)",
      "            for name, shape in shapes.items()",
      "        ]",
      "        with torch.no_grad():",
      "            output = getattr(model, graph)(*inputs)",
      '        print(graph, getattr(output, "shape", output))',
    ],
    ['if __name__ == "__main__":', "    main()"],
  ];
}
