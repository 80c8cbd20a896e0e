/** What build.ts takes of Eleventy, which brings no types of its own. */
declare module "@11ty/eleventy" {
  type Data = Readonly<Record<string, unknown>>;
  type Context = { readonly page: { readonly inputPath: string; readonly outputPath: string } };
  export type Config = {
    setLibrary(name: "md", library: unknown): void;
    addGlobalData(name: string, value: () => (data: Data) => unknown): void;
    addTemplate(path: string, text: string, data?: Data): void;
    addTransform(name: string, change: (this: Context, content: string) => string): void;
    addWatchTarget(path: string): void;
    on(event: "eleventy.after", listener: () => void): void;
  };
  class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { readonly quietMode: boolean; readonly configPath: string },
    );
    init(): Promise<void>;
    write(): Promise<void>;
    watch(): Promise<void>;
    serve(port: number): Promise<void>;
  }
  // biome-ignore lint/style/noDefaultExport: so it is exported
  export default Eleventy;
}
