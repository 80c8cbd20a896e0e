import type { Client } from "../client/client.ts";
import type { ClientId } from "../ids.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";

/** Clients in the order of their ids, disabled ones too. */
export async function listClients(
  powers: Pick<Services, "clients">,
  after: ClientId | undefined,
): Promise<Page<Client>> {
  return pageOf(await powers.clients.page(after, PAGE_SIZE + 1), (client) => client.id);
}
