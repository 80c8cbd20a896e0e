import * as z from "zod";
import { redirectUriFault, URI_LIMIT } from "../../core/client/redirect-uri.ts";

/** A text without a fault; what is wrong with it is the message. */
const faultless = (faultOf: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const fault = faultOf(text);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });

const unique = (list: readonly unknown[]) => new Set(list).size === list.length;
export const uniqueList = <Item extends z.ZodType>(item: Item) =>
  z.array(item).max(50).refine(unique, "the same value twice");

/** Where a browser may be sent back to. */
export const redirectUri = faultless(redirectUriFault);

/** An address that this service calls; which ones it may call is for core to say. */
export const callback = z.string().min(1).max(URI_LIMIT);

/** The name of a resource server: an absolute URI without a fragment (RFC 8707 §2). It is compared byte for byte. */
export const resource = faultless((text) => {
  if (text.length > URI_LIMIT) return "too long";
  if (!/^[\x21-\x7e]+$/.test(text)) return "must be printable ASCII";
  if (text.includes("#")) return "must not have a fragment";
  return URL.canParse(text) ? undefined : "must be an absolute URI";
});
