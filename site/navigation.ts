/** A group of pages in the order in which somebody needs them; documents by their path in the repository. */
export type Group = { readonly title: string; readonly sources: readonly string[] };

/** The navigation. Every document is in it once, but for the decisions, which have a list of their own. */
export const NAVIGATION: readonly Group[] = [
  { title: "Start", sources: ["docs/quick-start.md", "docs/how-it-works.md", "docs/demo.md"] },
  {
    title: "Guides",
    sources: [
      "docs/guides/sign-in-without-redirects.md",
      "docs/guides/react.md",
      "docs/guides/approve-a-payment.md",
      "docs/guides/tv-and-cli.md",
      "docs/guides/verify-tokens.md",
      "docs/guides/add-a-phone.md",
      "docs/guides/recovery.md",
      "docs/guides/migrate.md",
      "docs/sdks/cotter.md",
      "docs/sdks/loginid.md",
      "docs/sdks/authsignal.md",
    ],
  },
  {
    title: "Doors",
    sources: [
      "docs/oauth.md",
      "docs/approver.md",
      "docs/phone.md",
      "docs/cotter.md",
      "docs/loginid.md",
      "docs/authsignal.md",
      "docs/verification.md",
      "docs/waiting.md",
      "docs/receipts.md",
    ],
  },
  {
    title: "Operating",
    sources: [
      "docs/operating.md",
      "docs/delivery.md",
      "docs/webhooks.md",
      "docs/scaling.md",
      "docs/cost.md",
      "docs/versions.md",
      "CHANGELOG.md",
    ],
  },
  {
    title: "Reference",
    sources: [
      "packages/countersign/README.md",
      "docs/client.md",
      "docs/verify.md",
      "docs/phone-library.md",
      "docs/cli.md",
      "docs/api.md",
      "docs/admin-api.md",
      "docs/limits.md",
      "docs/glossary.md",
      "docs/wire/cotter.md",
      "docs/wire/loginid.md",
      "docs/wire/authsignal.md",
    ],
  },
  {
    title: "Security",
    sources: [
      "docs/security.md",
      "docs/security-cases.md",
      "docs/security-matrix.md",
      "docs/conformance.md",
      "SECURITY.md",
    ],
  },
  {
    title: "How it is built",
    sources: [
      "docs/architecture.md",
      "docs/challenge.md",
      "docs/stored-shapes.md",
      "docs/faults.md",
      "docs/testing.md",
      "CONTRIBUTING.md",
    ],
  },
];

/** The list of decisions, which ends the navigation. */
export const DECISIONS = "decisions/index.html";
