declare module "*.wat" {
  const compiled: string; // WebAssembly, as base64
  export default compiled;
}
