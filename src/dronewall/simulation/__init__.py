"""A made-up sky over the real map: the same plots without the sensors, and the truth behind them.

Everything here is invented: objects, sensors, assets and noise. It tests a defence; it plans nothing against one.
"""
