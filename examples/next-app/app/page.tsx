import { SignIn } from "./sign-in.tsx";

export default function Page() {
  return (
    <>
      <h1>Example Next.js app</h1>
      <SignIn />
    </>
  );
}
