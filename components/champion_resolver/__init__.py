"""ChampionResolver: fetches the model that is served now."""
