"use client";

export { type ApprovalState, type ApprovalWork, type UseApproval, useApproval } from "./approval.ts";
export type { How, Underway } from "./asking.ts";
export type { QrEncoder } from "./qr.tsx";
export { type SessionState, type UseSession, useSession } from "./session.ts";
export { type SignInState, type UseSignIn, useSignIn } from "./sign-in.ts";
export { Waiting, type WaitingProps } from "./waiting.tsx";
export type { WaitingPart, WaitingWords } from "./words.ts";
