/**
 * A user's own words, kept from looking like an address: mail programs make links of whatever reads like one, and a stranger may
 * choose the words that another user is sent.
 */
export const noAddress = (text: string): string =>
  text.replaceAll(/:?[/\\@]+/g, " ").replaceAll(/(?<=\S)[.:](?=\S)/g, " ");
