"""The words of the house: tables that flow between the stages, and frozen types for what is few. Pure; imports nobody."""
