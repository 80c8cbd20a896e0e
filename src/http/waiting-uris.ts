/** Where a waiter waits for its challenge, by its handle (docs/waiting.md). */
export const waitingUris = (issuer: string, id: string) => ({
  wait_uri: `${issuer}/challenges/${id}/wait`,
  socket_uri: `${issuer.replace(/^http/, "ws")}/challenges/${id}/socket`,
});
