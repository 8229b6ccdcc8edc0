"""What the simulator reads from its environment; every name starts with SIM_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SimulatorSettings(BaseSettings):
    """Settings of the Coze simulator; the key has no default, everything else has."""

    model_config = SettingsConfigDict(env_prefix="SIM_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8020, ge=0, le=65535)
    public_key_file: Path
    key_id: str = ""  # empty: the fingerprint of the public key
    app_id: str = "1100000000000000001"
    workflow_id: str = "7400000000000000001"
    pace_ms: float = Field(default=35, ge=0)  # per piece of text; 0: as fast as the socket takes it
    bench_chunks: int = Field(default=30, ge=1)
    bench_gap_ms: float = Field(default=5, ge=0)
    # Conversations survive a restart where a file is named; the runner names one in .data.
    data_file: Path | None = None
