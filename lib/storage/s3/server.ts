import { MillraceError } from "../../base/error.js";
import type { S3Server } from "../contract.js";

const FLAGS: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };

/**
 * How the environment says that the S3 server is reached. MILLRACE_S3_ENDPOINT (or AWS_ENDPOINT_URL_S3,
 * AWS_ENDPOINT_URL), MILLRACE_S3_REGION (or AWS_REGION, AWS_DEFAULT_REGION), and MILLRACE_S3_PATH_STYLE: true where
 * an endpoint is named, unless it says otherwise. Throws OPTION_INVALID.
 */
export function s3ServerOf(env: Readonly<Record<string, string | undefined>>): S3Server {
  const first = (...names: string[]) => names.map((name) => env[name]).find((value) => (value ?? "") !== "");
  const endpoint = first("MILLRACE_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw new MillraceError("OPTION_INVALID", `the S3 endpoint "${endpoint}" is no http(s) URL`);
  }
  // Servers other than AWS know one region, whatever its name.
  const region = first("MILLRACE_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION") ?? (endpoint && "us-east-1");
  const said = first("MILLRACE_S3_PATH_STYLE");
  const pathStyle = said === undefined ? endpoint !== undefined : FLAGS[said];
  if (pathStyle === undefined) {
    throw new MillraceError("OPTION_INVALID", `MILLRACE_S3_PATH_STYLE is "${said}"; expected true or false`);
  }
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    pathStyle,
  };
}
