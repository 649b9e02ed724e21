export const MapView = () => null;
export const SmallMap = (_: { lat: number; lon: number }) => null;
