/** Files of Python as the bundler and the test runner give them: their text. */
declare module "*.py" {
  const text: string;
  export default text;
}
