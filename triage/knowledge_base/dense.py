"""Dense search: faiss over the encoder's vectors. The only module that imports faiss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage.protocols import Vectors

FLAT_UP_TO = 10_000
"""Exact search takes 0.3 ms at this size; beyond it a graph index is faster."""


class DenseIndex:
    """Inner products of unit vectors, that is cosine similarity.

    Args:
        vectors: (N, D) float32, unit length.
    """

    def __init__(self, vectors: Vectors) -> None:
        import faiss

        _one_thread()
        width = vectors.shape[1]
        if len(vectors) <= FLAT_UP_TO:
            self._index: faiss.Index = faiss.IndexFlatIP(width)
        else:
            graph = faiss.IndexHNSWFlat(width, 32, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efConstruction = 80
            graph.hnsw.efSearch = 96
            self._index = graph
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    @classmethod
    def load(cls, content: bytes) -> DenseIndex:
        """What ``dump`` gave. Verify a digest first: faiss reads a flipped bit as if it were meant."""
        import faiss

        index = cls.__new__(cls)
        index._index = faiss.deserialize_index(np.frombuffer(content, dtype=np.uint8))
        return index

    def dump(self) -> bytes:
        """The index as faiss writes it to a file."""
        import faiss

        return bytes(faiss.serialize_index(self._index).data)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def width(self) -> int:
        return int(self._index.d)

    def search(self, vector: Vectors, limit: int) -> tuple[NDArray[np.int64], Vectors]:
        """Positions (K,) and cosines (K,) of the ``limit`` nearest, best first; fewer where the index is small."""
        wanted = min(limit, self._index.ntotal)
        if wanted == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        _one_thread()
        scores, positions = self._index.search(np.ascontiguousarray(vector[None, :], dtype=np.float32), wanted)
        found = positions[0] >= 0
        return positions[0][found], scores[0][found]


def _one_thread() -> None:
    """faiss starts an OpenMP team a call otherwise, which costs more than the search; OpenMP keeps this a thread."""
    import faiss

    faiss.omp_set_num_threads(1)
