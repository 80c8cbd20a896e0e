import { withAccessToken } from "countersign/verify/next";

const { ISSUER: issuer = "", CLIENT_ID: audience = "" } = process.env;

export const GET = withAccessToken({ issuer, audience }, (_request, { claims }) =>
  Response.json({ user: claims.sub }),
);
