import { pathOf } from "../../../src/openapi.ts";

type Content = { readonly content?: Readonly<Record<string, { readonly schema: object }>> };

export type DescribedOperation = {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: "path" | "query" | "header";
    readonly required?: boolean;
    readonly schema: object;
  }[];
  readonly requestBody?: Content & { readonly required: boolean };
  readonly responses: Readonly<Record<string, Content & { readonly $ref?: string }>>;
};

/** The operations of a document, by method and path as the app mounts them without the patterns of parameters. */
export function operationsOf(document: object): { get(name: string): DescribedOperation | undefined } {
  const { paths } = document as { paths: Record<string, Record<string, DescribedOperation>> };
  return {
    get(name) {
      const [method = "", path = ""] = name.split(" ");
      return paths[pathOf(path)]?.[method.toLowerCase()];
    },
  };
}

/** The schema of the one body that is described. */
export const contentAt = (described: Content | undefined): object | undefined =>
  Object.values(described?.content ?? {})[0]?.schema;
