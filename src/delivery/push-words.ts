/** All that a notification says: who looks at a locked screen, or carries it there, learns nothing of who asks and for what. */
export const neutral = { title: "Sign-in request", body: "Open to see who asks." } as const;
