export const Processes = () => null;
