/** The end of a switch over the forms of the language: a form that the switch forgets is a type error here. */

export function never(form: never): never {
  throw new Error(`a form of the language that nothing handles: ${JSON.stringify(form)}`);
}
