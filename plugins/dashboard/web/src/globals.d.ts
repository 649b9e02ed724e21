// What esbuild puts in or takes in.
declare module "*.css";
/// Where the base map's files lie: their names change with what is in them.
declare const BASE_FILES: { coarse: string; fine: string; places: string };
